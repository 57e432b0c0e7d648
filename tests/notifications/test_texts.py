"""Words within a service's limit."""

from hypothesis import given
from hypothesis import strategies as st

from notifications.sharing.texts import cut, one_line, with_link, x_weight

LINK = "http://instagram.example/p/C362B/"


def test_a_text_that_fits_stays_as_it_is():
    assert cut(" fog over the harbour ", 30) == "fog over the harbour"


def test_a_text_is_cut_between_words():
    assert cut("fog over the harbour tonight", 26) == "fog over the harbour…"


def test_a_family_a_flag_and_an_accent_are_never_cut_in_two():
    family, flag, accent = "👨‍👩‍👧", "🇳🇴", "e\u0301"
    for whole in (family, flag, accent):
        text = "ab" + whole * 3
        for limit in range(1, len(text)):
            kept = cut(text, limit).removesuffix("…")
            assert kept.removeprefix("ab").replace(whole, "") == "" or kept in ("a", "ab", "")


@given(st.text(max_size=400), st.integers(40, 300))
def test_the_link_is_always_whole_and_the_limit_kept(text, limit):
    for measure in (len, x_weight):
        post = with_link(text, LINK, limit=limit, measure=measure)

        assert post.endswith(LINK)
        assert measure(post) <= limit


def test_x_counts_twice_beyond_latin_and_23_for_links():
    assert x_weight("fog") == 3
    assert x_weight("霧") == 2
    assert x_weight("http://a.de") == 23
    assert x_weight("see example.com") == 4 + 23


def test_a_title_is_the_first_line():
    assert one_line("fog\nover the harbour", 100) == "fog"
    assert one_line("", 100) == ""
