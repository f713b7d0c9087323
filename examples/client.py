"""Ask a deployed scenelet for a picture: `python client.py https://... photo.jpg`.

In place of the file, an https:// address of a picture.
"""

import sys

import requests

endpoint, source = sys.argv[1:3]
if source.startswith(("http://", "https://")):
    response = requests.post(f"{endpoint}/predict", json={"url": source}, timeout=30)
else:
    with open(source, "rb") as file:
        response = requests.post(
            f"{endpoint}/predict", data=file, headers={"content-type": "image/jpeg"}, timeout=30
        )
answer = response.json()
if not response.ok:
    sys.exit(f"{answer.get('title')}: {answer.get('detail')}")
print(
    f"{answer['label']} {answer['probability']:.1%}" + (" (not sure)" if answer["abstains"] else "")
)
