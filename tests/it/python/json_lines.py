"""Every line on stdin is a JSON object. Prints how many there are."""

import json
import sys

count = 0
for line in sys.stdin:
    assert isinstance(json.loads(line), dict), line
    count += 1
print(count)
