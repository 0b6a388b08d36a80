# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment for modules that talk to AWS."""

    DOCUMENTATION = r"""
options:
  region:
    description: Region of the EKS clusters. IAM itself has none.
    type: str
    required: true
  profile:
    description: Named profile of the AWS configuration.
    type: str
  endpoint_url:
    description: URL to use instead of AWS' own endpoints, for a stand-in.
    type: str
  access_key:
    description: Access key. Left out, boto3 finds credentials as usual.
    type: str
  secret_key:
    description: Secret key.
    type: str
  session_token:
    description: Session token.
    type: str
requirements:
  - python >= 3.11
  - boto3 >= 1.28
"""
