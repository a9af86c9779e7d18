# The demo: synthfer_5pct_vit-micro.py with two changes to stage III (docs/stage3.md). A teacher that
# knows 400 drawn faces overlooks the rare expressions, and METHOD's stage III teaches the student to
# overlook them too; so it is corrected for how often it says each. And the labeled faces stay mixed,
# or the student learns them by heart.
_base_ = ['./synthfer_5pct_vit-micro.py']

model = dict(
    pseudo_label=dict(
        _delete_=True,
        type='DistributionAlignment',
        rule=dict(type='ConfidenceThreshold', threshold=0.7)))
data_preprocessor = dict(semi_facemix=True)
