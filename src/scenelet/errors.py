"""Every error a person can cause, as one tree.

A message says what, where, found v expected, and the next step.

SceneletError
├── ImageError                  this one image can't be used; the rest of a batch goes on
│   ├── UnreadableImageError    empty, truncated, or not an image at all
│   └── ImageTooLargeError      more pixels or bytes than the limit
├── DataError                   a folder or manifest that can't be used as a data set
│   └── NothingHeldOutError     the model learned from all of it, and was judged in folds
├── ConfigError                 a recipe, flag or environment variable that makes no sense
├── ArtefactError               something could not be written: no space, no permission
├── ResourceError               memory, open files or another resource has come to its end
├── MissingExtraError           a part of scenelet that is not installed
├── ClusterError                a cluster that can't be reached, or could not do a part
├── BundleError                 a bundle that can't be trusted or read
│   ├── BundleFormatError       incomplete, or of another format version
│   ├── BundleTamperedError     a file's checksum differs from the recorded one
│   ├── ParityError             checkpoint, LiteRT and ONNX disagree
│   └── QuantisationError       the smaller model lost too much accuracy
├── DeployError                 something on the way to AWS
│   ├── PackageError            a package that can't be made, or would not start
│   ├── CloudError              AWS refused, or could not be reached
│   └── SmokeError              the new version answers wrongly; the old one is back
├── RequestError                a request to the service that can't be answered as it is
└── FetchError                  a URL that could not be fetched
    ├── GoneError               it is not there, or no longer
    ├── ForbiddenUrlError       not http(s), or not a public address
    └── FetchTimeoutError       took longer than allowed
"""


class SceneletError(Exception):
    """Base of all errors that are shown to a person as one line."""


class ImageError(SceneletError):
    """One image can't be used."""


class UnreadableImageError(ImageError):
    """The bytes are empty, truncated, or no supported image."""


class ImageTooLargeError(ImageError):
    """The image has more pixels or bytes than the limit."""


class DataError(SceneletError):
    """A folder or manifest can't be used as a data set."""


class NothingHeldOutError(DataError):
    """The model learned from all of its pictures; what folds said of them is recorded."""


class ConfigError(SceneletError):
    """A recipe, flag or environment variable makes no sense."""


class ArtefactError(SceneletError):
    """An artefact could not be written."""


class ResourceError(SceneletError):
    """Memory, open files or another resource has come to its end."""


class MissingExtraError(SceneletError):
    """An optional part of scenelet is not installed."""


class ClusterError(SceneletError):
    """A cluster can't be reached, its nodes differ, or it could not do a part of the job."""


class BundleError(SceneletError):
    """A bundle can't be trusted or read."""


class BundleFormatError(BundleError):
    """The bundle is incomplete or of another format version."""


class BundleTamperedError(BundleError):
    """A file's checksum differs from the recorded one."""


class ParityError(BundleError):
    """Checkpoint, LiteRT and ONNX disagree about the same bytes."""


class QuantisationError(BundleError):
    """The quantised model lost more accuracy than allowed."""


class DeployError(SceneletError):
    """Something on the way to AWS went wrong."""


class PackageError(DeployError):
    """The package can't be made, or would not start on Lambda."""


class CloudError(DeployError):
    """AWS refused, or could not be reached."""


class SmokeError(DeployError):
    """The new version does not answer as recorded."""


class RequestError(SceneletError):
    """A request can't be answered; `status` and `title` say why over HTTP."""

    def __init__(self, detail: str, status: int = 400, title: str = "Bad request") -> None:
        super().__init__(detail)
        self.status, self.title = status, title


class FetchError(SceneletError):
    """A URL could not be fetched."""


class GoneError(FetchError):
    """What was to be read is not there, or no longer."""


class ForbiddenUrlError(FetchError):
    """The URL is not http(s) or leads to an address that is not public."""


class FetchTimeoutError(FetchError):
    """The server took longer than allowed."""
