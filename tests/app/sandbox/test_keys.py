"""Keys that two processes make are as good as those of one."""

from mssante.app.sandbox.keys import new_keys


def test_makes_as_many_different_and_sound_keys_as_asked() -> None:
    keys = new_keys(3)
    assert [key.key_size for key in keys] == [2048] * 3
    assert len({key.private_numbers().p for key in keys}) == 3
    for key in keys:
        numbers = key.private_numbers()
        modulus = numbers.public_numbers.n
        assert pow(pow(42, numbers.d, modulus), 65537, modulus) == 42
