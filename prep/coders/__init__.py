"""Coders: a hookpoint's activations in, sparse latent activations out. One kind of coder per file."""

from inspect_autointerp.prep.coders.coder import Coder as Coder
from inspect_autointerp.prep.coders.coder import Widthless as Widthless
from inspect_autointerp.prep.coders.coder import decoders_of as decoders_of
from inspect_autointerp.prep.coders.coder import warning_of as warning_of
from inspect_autointerp.prep.coders.coder import writes_of as writes_of
from inspect_autointerp.prep.coders.crosscoder import CrossCoder as CrossCoder
from inspect_autointerp.prep.coders.crosscoder import set_places as set_places
from inspect_autointerp.prep.coders.digest import tensors_sha256 as tensors_sha256
from inspect_autointerp.prep.coders.digest import weights_sha256 as weights_sha256
from inspect_autointerp.prep.coders.load import load_coder as load_coder
from inspect_autointerp.prep.coders.saelens import SaeLensCoder as SaeLensCoder
from inspect_autointerp.prep.coders.triples import Triples as Triples
