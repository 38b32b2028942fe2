import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import has_secret, public_url, scrubbed


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("postgresql://me:hunter2@db/nas", "postgresql://me@db/nas"),
        ("postgresql://me:hunter2@db:5432/nas?sslmode=require", "postgresql://me@db:5432/nas?sslmode=require"),
        ("postgresql://me:hun@ter2@db/nas", "postgresql://me@db/nas"),
        ("postgresql://me:hun/ter2?@db/nas", "postgresql://me@db/nas"),
        ("postgresql://db/nas?password=hunter2", "postgresql://db/nas"),
        ("postgresql://db/nas?user=me&PassWord=hunter2&sslmode=require", "postgresql://db/nas?user=me&sslmode=require"),
        ("postgresql://db/nas?sslkey=/k.pem&sslpassword=hunter2", "postgresql://db/nas?sslkey=/k.pem"),
        ("postgresql://db/nas?passfile=/home/me/.pgpass", "postgresql://db/nas?passfile=/home/me/.pgpass"),
        ("mysql://db/nas?passwd=hunter2&charset=utf8", "mysql://db/nas?charset=utf8"),
        ("mysql://db/nas?%70asswd=hunter2", "mysql://db/nas"),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BUID%3Dme%3BPWD%3Dhunter2", "mssql+pyodbc:///"),
        ("s3://KEYID:hunter2@bucket/nets", "s3://KEYID@bucket/nets"),
        ("https://host/nets?X-Amz-Signature=hunter2&part=1", "https://host/nets?part=1"),
        ("https://host/nets?sig=hunter2", "https://host/nets"),
        ("https://host/nets?access_key=hunter2", "https://host/nets"),
        ("sqlite+pysqlcipher://:hunter2@/nas.db", "sqlite+pysqlcipher://@/nas.db"),
        ("postgresql:/me:hunter2@db", "***@db"),
        ("me:hunter2@db/nas", "***@db/nas"),
    ],
)  # fmt: skip
def test_secrets_leave_a_url_and_the_rest_stays(url: str, public: str) -> None:
    assert public_url(url) == public
    assert has_secret(url) == (url != public)
    assert public_url(public) == public


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////shared/me@home/study.db",
        "postgresql://me@db/nas?application_name=keyboard&design=signal",
        "abfs://box@account.dfs.core.windows.net/nets",
        "/shared/nets",
        "porch",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(url: str) -> None:
    assert public_url(url) == url
    assert not has_secret(url)


SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="&;%+#"), min_size=4
)


@given(
    SECRETS.map(lambda text: f"S3CR-{text}"),
    st.sampled_from(["//me:{}@db/nas", "//db/n?password={}", "//u:x@db/n?a=1&passwd={}"]),
)
def test_no_password_is_left_in_what_is_public_or_told(secret: str, form: str) -> None:
    url = "postgresql:" + form.format(secret)
    told = f'FATAL: no entry for "{secret}" of {url}'
    assert "S3CR-" not in public_url(url)
    if "@" not in secret:
        assert "S3CR-" not in scrubbed(told, url)


def test_a_short_secret_does_not_tear_words_apart() -> None:
    url = "postgresql://me:d@db/nas"
    assert scrubbed('denied: "d" is no password', url) == 'denied: "***" is no password'
