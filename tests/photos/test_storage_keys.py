"""Names of objects: nobody guesses them, they spread, and a key says whose it is."""

import re

from photos.storage import keys


def test_stems_are_128_random_bits_and_say_whether_they_are_private() -> None:
    public, private = keys.new_stem(), keys.new_stem(private=True)

    assert re.fullmatch(r"[0-9a-f]{32}", public)
    assert re.fullmatch(r"p[0-9a-f]{32}", private)
    assert (keys.is_private(public), keys.is_private(private)) == (False, True)


def test_keys_spread_over_all_256_prefixes() -> None:
    prefixes = {keys.key(keys.new_stem(), 612).split("/")[1] for _ in range(10_000)}

    assert prefixes == {f"{number:02x}" for number in range(256)}


def test_a_photos_keys_have_one_stem_and_lie_where_its_privacy_says() -> None:
    stem = "ab" + "0" * 30

    assert keys.keys_of(stem) == [f"pub/ab/{stem}_{number}.jpg" for number in "5678"]
    assert keys.key(f"p{stem}", 150) == f"prv/ab/{stem}_5.jpg"
    assert keys.original_key(stem) == f"org/ab/{stem}"


def test_a_key_says_the_stem_it_belongs_to_and_others_say_none() -> None:
    for stem in (keys.new_stem(), keys.new_stem(private=True)):
        assert {keys.stem_of(key) for key in keys.keys_of(stem)} == {stem}
    assert keys.stem_of(keys.original_key("ab" + "1" * 30)) == "ab" + "1" * 30
    for other in (
        "pub/anonymous.jpg",
        "prv/exports/" + "a" * 32 + ".zip",
        "health/x",
        "pub/ab/" + "cd" * 16 + "_7.jpg",
    ):
        assert keys.stem_of(other) is None
