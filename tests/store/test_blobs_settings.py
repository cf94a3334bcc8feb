"""Section [blobs] of the configuration: what cannot lead to an object store stops the start and names the fix."""

from pathlib import Path

import pytest

from mssante.app.config import read_config
from mssante.model.errors import ConfigError
from mssante.model.settings import BlobSettings

REST = """
[operator]
name = "chu"
hostname = "smtp.chu.mssante.fr"
data_dir = "data"
postmaster = "postmaster@chu.mssante.fr"
[tls]
certificate = "c.pem"
key = "k.pem"
anchors = "a.pem"
intermediates = "i.pem"
[trust]
list_url = "https://manager.test/l.xml"
[secrets]
credential_key = "c.key"
trace_key = "t.key"
"""
GOOD = {"engine": "s3", "endpoint": "https://s3.chu.fr", "bucket": "corps"}


def section(tmp_path: Path, **values: str) -> BlobSettings:
    path = tmp_path / "m.toml"
    path.write_text("\n".join(["[blobs]", *(f'{name} = "{value}"' for name, value in values.items()), REST]))
    return read_config(path).blobs


@pytest.mark.parametrize("prefix", ["", "mss", "/mss", "mss/", "chu/mss", "é"])
def test_a_prefix_is_one_name_or_several(tmp_path: Path, prefix: str) -> None:
    assert section(tmp_path, **GOOD, prefix=prefix).prefix == prefix


@pytest.mark.parametrize("prefix", ["/", "//", "a//b", "..", "a/../b", "./a"])
def test_a_prefix_that_cannot_be_in_a_key_is_named(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ConfigError, match=r"\[blobs\] prefix"):
        section(tmp_path, **GOOD, prefix=prefix)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"engine": "s4"}, '"files", "s3"'),
        ({"endpoint": ""}, "donnez endpoint"),
        ({"endpoint": "s3.chu.fr"}, "donnez endpoint"),
        ({"endpoint": "http://s3.chu.fr"}, "donnez une adresse https"),
        ({"bucket": ""}, "donnez bucket"),
        ({"bukcet": "corps"}, "peut-être 'bucket' ?"),
    ],
)
def test_what_is_wrong_is_named_with_its_fix(tmp_path: Path, change: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        section(tmp_path, **(GOOD | change))
    assert said in str(caught.value)


def test_bodies_are_files_unless_said_otherwise(tmp_path: Path) -> None:
    assert section(tmp_path).engine == "files"
    assert section(tmp_path, engine="s3", endpoint="http://127.0.0.1:9000", bucket="corps").engine == "s3"
