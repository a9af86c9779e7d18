"""The page of ``ssfer demo``. Importing this file needs Gradio."""
from pathlib import Path
from typing import Optional, Sequence

import gradio as gr
from gradio.components import Component
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .demo_view import PORTRAIT, Seen, draw_evidence, draw_examples, look
from .inferencer import FERInferencer
from .sources import inside

TITLE = 'Facial expressions'
INTRODUCTION = '''# Facial expressions
Drop a photo or use the camera: every face gets a box, a guess at its expression, and a map of what
the guess rests on.'''
NOTES = '''**What this is not.** The model names the expression that a face *shows*, as people label
photos; it does not know what anyone *feels*. It is often wrong, more so for rare expressions and
for people unlike those in its training data. Do not judge anyone by it.

**Your pictures stay on this machine.** The browser gives them to the program that you started, and
to nobody else; copies are deleted after an hour, and when it ends.'''
# Seconds between two looks at the copies of pictures, and after which one is deleted.
CLEANING = 600, 3600
FONTS = ['system-ui', '-apple-system', 'Segoe UI', 'Roboto', 'DejaVu Sans', 'sans-serif']
# The browser itself is to refuse whatever would leave this machine.
POLICY = ("default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
          "style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:")
CSS = '''
.gradio-container { max-width: 1100px !important; margin: 0 auto !important; }
#notes { opacity: .75; font-size: .9em; }
@media (max-width: 640px) { #photo, #picture { height: 300px !important; } }
'''
PICTURE_HEIGHT = 420


def build_page(inferencer: FERInferencer, folder: str) -> gr.Blocks:
    """The page.

    Args:
        inferencer: What it asks.
        folder: Where drawn examples are put, and Gradio puts what is uploaded; no other picture is
            opened.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=CLEANING) as page:
        gr.Markdown(INTRODUCTION)
        seen = gr.State(None, time_to_live=CLEANING[1])
        with gr.Row():
            with gr.Column():
                photo = gr.Image(label='Your picture', type='filepath', height=PICTURE_HEIGHT,
                                 buttons=[], elem_id='photo')
                examples = [[str(path)] for path in draw_examples(Path(folder))]
                gr.Examples(examples, photo, label='Drawn examples, no real people')
            with gr.Column():
                picture = gr.Image(label='Faces', interactive=False, format='jpeg',
                                   height=PICTURE_HEIGHT, buttons=['fullscreen', 'download'],
                                   elem_id='picture')
                status = gr.Markdown(elem_id='status')
                faces = gr.Radio(label='Face', visible=False, elem_id='faces')
        with gr.Row():
            bars = gr.Label(label='Expression', elem_id='bars')
            with gr.Column():
                evidence = gr.Image(label='Map', interactive=False, format='jpeg',
                                    height=PORTRAIT, buttons=[], elem_id='evidence')
                caption = gr.Markdown(elem_id='caption')
        gr.Markdown(f'{NOTES}\n\n{_about(inferencer)}', elem_id='notes')
        _connect(inferencer, folder, photo, seen, (picture, status, faces),
                 (bars, evidence, caption))
    return page


def _connect(inferencer: FERInferencer, folder: str, photo: gr.Image, seen: gr.State,
             overview: Sequence[Component], details: Sequence[Component]) -> None:
    """What happens when the visitor does something.

    Args:
        inferencer: What is asked.
        folder: See :func:`build_page`.
        photo: The visitor's picture.
        seen: What was found in it, a :class:`Seen`.
        overview: Annotated picture, status, choice of a face.
        details: Of the chosen face, see :func:`one_face`.
    """
    picture, _, faces = overview

    def show(upload: Optional[dict]) -> tuple:
        found = look_at_upload(inferencer, folder, upload) if upload else Seen('')
        choice = gr.Radio(choices=list(zip(found.names, range(len(found.names)))), value=0,
                          visible=len(found.names) > 1)
        return found, found.picture, found.status, choice, *one_face(inferencer, found, 0)

    def choose(found: Optional[Seen], number: Optional[int]) -> tuple:
        return one_face(inferencer, found or Seen(''), number or 0)

    def click(found: Optional[Seen], where: gr.SelectData) -> tuple:
        number = found.face_at(*where.index) if found else None
        if number is None:
            return (gr.skip(),) * (1 + len(details))
        return number, *one_face(inferencer, found, number)

    # One at a time: the model is shared, and a map listens to what happens inside it.
    alone = dict(concurrency_id='model', concurrency_limit=1, api_visibility='private')
    # Without preprocessing: that would fail on files that are no images, before anyone can say so.
    photo.change(show, photo, [seen, *overview, *details], preprocess=False,
                 show_progress_on=picture, **alone)
    faces.input(choose, [seen, faces], details, show_progress_on=details[1], **alone)
    picture.select(click, seen, [faces, *details], show_progress_on=details[1], **alone)


def look_at_upload(inferencer: FERInferencer, folder: str, upload: dict) -> Seen:
    """What is found in the visitor's picture; nothing in one that was not uploaded.

    Gradio checks a path only where the browser says that it is one, and without preprocessing hands
    it on as it came: whoever reaches the page could name any file of this machine.

    Args:
        inferencer: What is asked.
        folder: Where Gradio puts what is uploaded.
        upload: What the browser sent; its ``path`` may be anything, or None.
    """
    path = upload['path']
    if not path or '\0' in path or not inside(path, folder):
        return Seen('**This is no picture that was uploaded here.** Drop it on the page again.')
    return look(inferencer, path)


def one_face(inferencer: FERInferencer, seen: Seen, number: int) -> tuple:
    """Bars, map and its caption for a face; all empty where there is none."""
    if not 0 <= number < len(seen.faces):
        return None, None, ''
    face = seen.faces[number]
    if not inferencer.explains:
        return face.probabilities, None, 'An exported model has no gradients to make a map from.'
    values = inferencer.explain([seen.crops[number]], [face.label])[0]
    return (face.probabilities, draw_evidence(seen.portraits[number], values),
            f'Bright: what **{face.label}** rests on, on a grid of {values.shape[1]} × '
            f'{values.shape[0]} patches.')


def launch(page: gr.Blocks, host: str, port: int, browser: bool) -> None:
    """Start to serve, without waiting."""
    page.launch(server_name=host, server_port=port, inbrowser=browser, prevent_thread_lock=True,
                quiet=True, share=False, ssr_mode=False, mcp_server=False, footer_links=[],
                enable_monitoring=False, max_file_size='50mb', theme=look_of_page(), css=CSS,
                app_kwargs=dict(middleware=[Middleware(KeepAtHome)]))


def look_of_page() -> gr.themes.Base:
    """Colors and letters, by day and (``_dark``) by night."""
    theme = gr.themes.Soft(primary_hue='amber', neutral_hue='slate', font=FONTS, font_mono=FONTS)
    # The theme's own labels are amber on pale amber, or white on pale grey, which is hard to read.
    for part in ('label', 'title'):
        theme.set(**{f'block_{part}_text_color': '*neutral_700',
                     f'block_{part}_background_fill': '*neutral_100',
                     f'block_{part}_text_color_dark': '*neutral_200',
                     f'block_{part}_background_fill_dark': '*neutral_700'})
    # Nor has it edges, without which nobody sees where to drop a picture.
    theme.set(body_background_fill='*neutral_50', block_border_width='1px',
              block_border_color='*neutral_200')
    return theme


class KeepAtHome:
    """Adds `POLICY` to every answer of the server.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        async def send_with_policy(message: Message) -> None:
            if message['type'] == 'http.response.start':
                message['headers'] = [*message['headers'],
                                      (b'content-security-policy', POLICY.encode())]
            await send(message)

        await self.app(scope, receive, send_with_policy)


def _about(inferencer: FERInferencer) -> str:
    facts = inferencer.describe()
    return (f'Model **{facts["model"].get("name", "your own")}** with '
            f'{len(inferencer.classes)} classes: {", ".join(inferencer.classes)}.')
