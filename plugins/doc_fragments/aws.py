# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

_REQUIREMENTS = r"""
requirements:
  - python >= 3.11
  - boto3 >= 1.35.0
  - amazon.aws >= 9.0.0
"""


class ModuleDocFragment:
    """How AWS is asked: the options of C(AnsibleAWSModule) and of amazon.aws' inventory plugins, in a fragment of our own.

    Where the documentation is rendered without that collection, as Galaxy does, a module whose fragment cannot be found has no documentation at all.
    """

    # Annotated, as in the fragment clusters.
    DOCUMENTATION: str = (
        r"""
options:
  access_key:
    description: AWS access key. Falls back to the environment variables E(AWS_ACCESS_KEY_ID) and E(AWS_ACCESS_KEY), then to what boto3 finds.
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description: AWS secret key. Falls back to the environment variables E(AWS_SECRET_ACCESS_KEY) and E(AWS_SECRET_KEY), then to what boto3 finds.
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description: AWS session token of temporary credentials. Falls back to the environment variable E(AWS_SESSION_TOKEN).
    type: str
    aliases: [aws_session_token]
  profile:
    description:
      - Named profile of the AWS configuration. Falls back to the environment variables E(AWS_PROFILE) and E(AWS_DEFAULT_PROFILE).
      - Not together with O(access_key), O(secret_key) and O(session_token).
    type: str
    aliases: [aws_profile]
  endpoint_url:
    description: URL in the place of AWS' own endpoints. Falls back to the environment variable E(AWS_URL).
    type: str
    aliases: [aws_endpoint_url]
  region:
    description: AWS region. Falls back to the environment variables E(AWS_REGION) and E(AWS_DEFAULT_REGION). IAM has none.
    type: str
    aliases: [aws_region]
  validate_certs:
    description: Whether the certificates of AWS' endpoints are verified.
    type: bool
    default: true
  aws_ca_bundle:
    description: Path of the CA certificates by which they are. Falls back to the environment variable E(AWS_CA_BUNDLE).
    type: path
  aws_config:
    description: Options of botocore's own configuration, C(botocore.config.Config).
    type: dict
  debug_botocore_endpoint_logs:
    description:
      - Whether the result names the calls that were made of AWS, as C(resource_actions). Falls back to the environment variable
        E(ANSIBLE_DEBUG_BOTOCORE_LOGS).
    type: bool
    default: false
"""
        + _REQUIREMENTS
    )

    # Of the inventory plugin.
    PLUGINS: str = (
        r"""
options:
  access_key:
    description: AWS access key. Without it, boto3 finds credentials as usual.
    type: str
    aliases: [aws_access_key_id, aws_access_key]
    env:
      - name: AWS_ACCESS_KEY_ID
      - name: AWS_ACCESS_KEY
  secret_key:
    description: AWS secret key.
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
    env:
      - name: AWS_SECRET_ACCESS_KEY
      - name: AWS_SECRET_KEY
  session_token:
    description: AWS session token of temporary credentials.
    type: str
    aliases: [aws_session_token]
    env:
      - name: AWS_SESSION_TOKEN
  profile:
    description: Named profile of the AWS configuration. Not together with O(access_key), O(secret_key) and O(session_token).
    type: str
    aliases: [aws_profile]
    env:
      - name: AWS_PROFILE
      - name: AWS_DEFAULT_PROFILE
  endpoint_url:
    description: URL in the place of AWS' own endpoints.
    type: str
    aliases: [aws_endpoint_url]
    env:
      - name: AWS_URL
"""
        + _REQUIREMENTS
    )

    # For modules that take it from module_defaults.
    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/flyte.multicluster.aws) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - flyte.multicluster.aws
"""
