"""Reads a page as OpenMetrics with the parser of Prometheus's own library for Python and writes each
sample as a line of JSON. Usage: page.py URL
"""
import json
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

TYPE = "application/openmetrics-text"

# Whatever proxy there is, the page is on loopback.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
request = urllib.request.Request(sys.argv[1], headers={"Accept": f"{TYPE};version=1.0.0"})
with opener.open(request) as answer:
    if answer.headers.get_content_type() != TYPE:
        sys.exit(f"no OpenMetrics: {answer.headers['Content-Type']}")
    page = answer.read().decode()
for family in text_string_to_metric_families(page):
    for sample in family.samples:
        labels = {"__name__": sample.name, **sample.labels}
        print(json.dumps({"metric": labels, "value": str(sample.value)}))
