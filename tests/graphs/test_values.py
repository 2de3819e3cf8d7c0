"""What is typed for a placeholder is what its cells may say: a value that a worker would refuse is refused at once."""

import pytest

from graphs.values import is_value


@pytest.mark.parametrize(
    ("dtype", "texts"),
    [
        (
            "int64",
            ["9223372036854775807", "-9223372036854775808.0", " +7 ", "1E+3", "0x7fffffffffffffff", "0e999999999"],
        ),
        ("uint64", ["18446744073709551615", "18446744073709551615.00", "-0"]),
        ("int8", ["127", "-1.28e2"]),
        ("bool", ["true", "FALSE", "1", "0.0"]),
        ("float32", ["3.4028235e38", "1e-50", "-inf", "nan", "0"]),
        ("float16", ["65504", "65519.9"]),
        ("bfloat16", ["3.39e38"]),
        ("float64", ["1.7976931348623157e308"]),
        ("complex64", ["1+2j", "inf", "3e38j"]),
        ("string", ["", "1_000", " x "]),
    ],
)
def test_what_is_a_value(dtype: str, texts: list[str]) -> None:
    assert [text for text in texts if not is_value(dtype, text)] == []


@pytest.mark.parametrize(
    ("dtype", "texts"),
    [
        (
            "int64",
            ["9223372036854775808", "9223372036854775806.5", "1e19", "1_000", "1,000", "", "nan", "\u0663", "1e-1"],
        ),
        ("uint64", ["18446744073709551616", "-1"]),
        ("int8", ["128", "-129", "1e300", "1e999999999"]),
        ("bool", ["2", "yes", "", "0x1"]),
        ("float32", ["1e39", "-3.4028236e38", "1_0", "0x1", "", "1,5"]),
        ("float16", ["65520", "7e4"]),
        ("bfloat16", ["3.4e38"]),
        ("float64", ["1e309"]),
        ("complex64", ["1_0", "1e39", "1-1e39j", "\u0663", "i", ""]),
    ],
)
def test_what_is_none(dtype: str, texts: list[str]) -> None:
    assert [text for text in texts if is_value(dtype, text)] == []
