"""Matrix products of a masked autoencoder, layer by layer on paper; two operations each."""


def product(rows, inner, columns):
    return 2 * rows * inner * columns


def linear(tokens, inputs, outputs):
    """Forward, and backward to the inputs and to the weights."""
    return 3 * product(tokens, inputs, outputs)


def attention(tokens, width, passes):
    """Scores and weighted values, all heads together: ``passes`` products of the same size."""
    return passes * product(tokens, width, tokens)


def layer(tokens, width, hidden):
    """Two products of attention forward; backward the scores again and one for each factor."""
    return (linear(tokens, width, 3 * width) + attention(tokens, width, 2 + 5)
            + linear(tokens, width, width) + linear(tokens, width, hidden)
            + linear(tokens, hidden, width))


def mae_flops(pixels, patch, width, depth, hidden, decoder_width, decoder_depth):
    """Forward and backward pass of one image of which a quarter of the patches is visible."""
    patches = (pixels // patch) ** 2
    visible = patches // 4 + 1  # and the cls token
    colors = 3 * patch * patch
    return (product(patches, colors, width) * 2  # no gradient goes to the image
            + depth * layer(visible, width, hidden)
            + linear(visible, width, decoder_width)
            + decoder_depth * layer(patches + 1, decoder_width, 4 * decoder_width)
            + linear(patches + 1, decoder_width, colors))
