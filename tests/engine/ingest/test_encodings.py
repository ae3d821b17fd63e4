"""Bytes become the text that was meant, whatever it was saved as."""

from __future__ import annotations

import pytest

from engine.errors import FormatError
from engine.ingest.readers.encodings import declared_in_html, decode, detect

RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. Поиск по документам работает быстро и точно."
JAPANESE = "日本語の文章を検索するためのプログラムです。カタカナとひらがなが混ざっています。東京は日本の首都です。"
CHINESE = "高血压病人可以口服党参的。党参有降血脂，降血压的作用，可以彻底消除血液中的垃圾。"
TAIWANESE = "高血壓病人可以口服黨參的。黨參有降血脂，降血壓的作用，可以徹底消除血液中的垃圾。"
GERMAN = "Über die Straße läuft ein großer Bär. Die Prüfung für Schüler ist schön. Café crème, naïve."
KOREAN = "한국어 문서를 검색하는 프로그램입니다. 서울은 대한민국의 수도입니다."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "koi8_r"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "cp866"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gb18030"),
        (TAIWANESE, "big5"),
        (GERMAN, "latin-1"),
        (KOREAN, "euc_kr"),
    ],
)
def test_text_in_an_old_encoding_is_read_as_it_was_written(text, encoding):
    assert decode(text.encode(encoding), "a.txt") == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", [CHINESE, GERMAN, RUSSIAN])
def test_unicode_is_read_with_and_without_its_mark(text, encoding):
    assert decode(text.encode(encoding), "a.txt").removeprefix("\ufeff") == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [GERMAN, f"{CHINESE}\n{CHINESE}", f"{RUSSIAN}\n"])
def test_wide_text_without_a_mark_is_recognised(text, encoding):
    assert decode(text.encode(encoding), "a.txt") == text


def test_one_stray_byte_does_not_turn_utf8_into_another_script():
    content = (CHINESE * 10).encode() + b"\xff" + CHINESE.encode()
    assert decode(content, "a.txt").count("党参") == 22


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(FormatError, match=r"noise\.bin"):
        decode(bytes(range(256)) * 8, "noise.bin")


def test_the_encoding_a_page_names_is_found():
    assert declared_in_html(b'<meta charset="gb2312">') == "gb18030"
    assert declared_in_html(b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">') == "cp1251"
    assert declared_in_html(b'<meta charset="no-such-code">') == ""


def test_what_a_file_says_of_itself_wins_over_a_guess_but_not_over_utf8():
    assert detect("Привет".encode("koi8_r"), declared="koi8_r") == "koi8_r"
    assert detect("Привет".encode(), declared="koi8_r") == "utf-8"


def test_a_damaged_stretch_does_not_turn_utf8_into_another_encoding():
    good = "水壶要用白醋除垢。保修期为两年。\n" * 3
    damaged = good.encode() + b"\xff\xfe\x91\xd4" + good.encode()
    text = decode(damaged, "a.txt")
    assert text.startswith(good)
    assert text.endswith(good)
    assert "\ufffd" in text
