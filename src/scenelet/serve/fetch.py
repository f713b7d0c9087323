"""The guarded fetch (`scenelet.fetch`) by the name that those who use the service know it by."""

from scenelet.fetch import FetchLimits as FetchLimits
from scenelet.fetch import fetch as fetch
