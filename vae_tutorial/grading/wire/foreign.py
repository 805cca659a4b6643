"""What stands for a value that is not carried."""

from typing import Any

# A class's name is a text that whoever wrote the class chose, and with it whatever they want to tell: only names that
# everybody has are passed on.
_NAMES = """
NoneType NotImplementedType ellipsis type object property slice super memoryview bytearray array deque
int float complex str bytes list tuple dict set frozenset range
dict_keys dict_values dict_items defaultdict OrderedDict Counter ChainMap mappingproxy SimpleNamespace
generator coroutine async_generator map zip filter enumerate reversed count cycle repeat chain product
list_iterator tuple_iterator set_iterator range_iterator dict_keyiterator dict_valueiterator dict_itemiterator
function method builtin_function_or_method partial module code frame staticmethod classmethod
TextIOWrapper BufferedReader BufferedWriter StringIO BytesIO PosixPath Decimal Fraction datetime date timedelta
Exception ValueError TypeError KeyError IndexError RuntimeError NotImplementedError AssertionError
ndarray matrix dtype Generator RandomState datetime64 timedelta64 longdouble clongdouble MaskedArray
Tensor Parameter Size device finfo iinfo Storage TypedStorage UntypedStorage PackedSequence
Module Linear Bilinear Sequential ModuleList ModuleDict ParameterList ParameterDict Identity Flatten Unflatten
Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d MaxPool2d AvgPool2d AdaptiveAvgPool2d Upsample
BatchNorm1d BatchNorm2d LayerNorm GroupNorm InstanceNorm2d Dropout Dropout2d Embedding LSTM GRU RNN Transformer
MultiheadAttention ReLU LeakyReLU ELU SELU GELU SiLU Sigmoid Tanh Softplus Softmax LogSoftmax PReLU
MSELoss BCELoss BCEWithLogitsLoss CrossEntropyLoss NLLLoss KLDivLoss L1Loss SmoothL1Loss GaussianNLLLoss
Adam AdamW SGD RMSprop Adagrad StepLR ExponentialLR CosineAnnealingLR LambdaLR
Dataset TensorDataset DataLoader Subset ConcatDataset MNIST FashionMNIST
Distribution Normal MultivariateNormal Independent Bernoulli ContinuousBernoulli Categorical OneHotCategorical
Uniform Beta Gamma Laplace Poisson Dirichlet LogNormal MixtureSameFamily TransformedDistribution
DataFrame Series Index Figure Axes AxesImage Line2D Image Path HTML Markdown VAE Gaussian
"""
KINDS = frozenset(_NAMES.split())


class Foreign:
    """Nothing but the name of a kind: it has no attributes, holds nothing, and equals itself alone.

    kind: the name of a value's type; "object" where it is not one that everybody has. `type(value).__name__` is the
    kind as well, so that sentences on values read as they would beside the value itself.
    """

    __slots__ = ()

    def __new__(cls, kind: str) -> "Foreign":
        return object.__new__(_classes.get(kind, _classes["object"]))

    @property
    def kind(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{'an' if self.kind[0] in 'AEIOaeio' else 'a'} {self.kind}>"


_classes: dict[str, Any] = {kind: type(kind, (Foreign,), {"__slots__": ()}) for kind in sorted(KINDS)}
