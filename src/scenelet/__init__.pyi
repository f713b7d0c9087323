from scenelet.api import Bundle as Bundle
from scenelet.api import Dataset as Dataset
from scenelet.api import evaluate as evaluate
from scenelet.api import train as train

__version__: str
