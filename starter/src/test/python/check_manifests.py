"""Compares manifests with the schemas of an old and of the latest Kubernetes, strictly: python check_manifests.py FILE...

Prints a line "kind name" for each.
"""

import sys

import kubernetes_validate
import yaml

for file in sys.argv[1:]:
    with open(file) as manifests:
        for manifest in yaml.safe_load_all(manifests):
            for version in ["1.28", kubernetes_validate.latest_version()]:
                kubernetes_validate.validate(manifest, version, strict=True)
            print(manifest["kind"], manifest["metadata"]["name"])
