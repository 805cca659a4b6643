"""Reference code of the course on variational autoencoders: every formula tested against an independent oracle."""

__version__ = "0.1.0"
