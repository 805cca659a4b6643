"""Why properties do not hold in pythae 0.1.2, read in its source: property, reason."""

PROBABILITIES = (
    "its decoders answer probabilities: the sigmoid rounds to 0 or 1 in float32, and binary_cross_entropy stops the "
    "logarithm at -100"
)
ELBO = {
    "T2b": "1 + logvar - exp(logvar) as it stands, without expm1",
    "T5b": "reconstruct is a training pass, which draws a code; predict decodes the mean",
    "T6a": PROBABILITIES,
    "T6b": PROBABILITIES,
    "T8b": "'mse' is half the squared error alone; get_nll has the constant",
    "T10": "pictures are flattened before they are compared",
}
SURROGATE = {
    "T19": "the loss is the sum of log-weights times their detached normalised weights, which has the bound's "
    "gradient (T20b), but another value: above log p(x)"
}
AXES = {
    "T20b": "weights are normalised over axis 1, the M estimates, and averaged over axis 2, the samples: with M = 1 "
    "it is the ELBO, for any number_samples"
}
CAPACITY = {
    "T22a": "C is scaled by epoch / (warmup_epoch + 1), epochs counted from 1: full in the first one after the warm-up",
    "T22b": "the absolute value is taken image by image",
}
STRATIFIED = (
    "the weight matrix is filled along columns 0 and 1 (stride M + 1 = b), not along the diagonal, so that a "
    "code's own posterior weighs 1 / M instead of 1 / N"
)
WEIGHTED = (
    "minibatch-weighted sampling, which use_mss=False names: the paper's own biased estimate, 1 / (N M) a posterior"
)
CRITIC = {
    "T35a": "half the sum of both terms: log 2",
    "T35b": "z is not detached, and AdversarialTrainer steps the encoder after both backward passes",
}
SAMPLES = {"T20a": "up to batch_size, here 100, n_samples is not used: batch_size samples are drawn"}
