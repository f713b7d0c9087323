"""The log line of one answer.

Its keys, written once for whoever writes it (`serve`) and reads it (`assess`, `export`).

Knows no Prediction, no file and no CloudWatch.
"""

MARK = "_aws"  # CloudWatch's own key: what tells our lines from others in a log
BUNDLE, VERSION, LABEL = "Bundle", "Version", "Label"  # version: when the bundle was made
ANSWERS, ABSTAINED, STRANGERS = "Answers", "Abstained", "Strangers"
DECODE_MS, INFERENCE_MS = "DecodeMs", "InferenceMs"

# Measure of a picture, by its name in a bundle's profile -> its key in a log line.
MEASURES = {
    "brightness": "Brightness",
    "sharpness": "Sharpness",
    "feature_distance": "FeatureDistance",
    "confidence": "Confidence",
}

# Decimals that each is written with; a profile is of values that were rounded as a log's are.
DIGITS = {"brightness": 4, "sharpness": 4, "feature_distance": 4, "confidence": 5}
