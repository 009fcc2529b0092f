from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import overload

MINOR_UNITS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}


class CurrencyMismatch(ValueError):
    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"cannot mix {left} and {right}")
        self.left = left
        self.right = right


@dataclass(frozen=True, order=True)
class Money:
    amount: Decimal
    currency: str = "EUR"

    @property
    def minor_units(self) -> int:
        return int(self.amount.scaleb(MINOR_UNITS[self.currency]))

    @classmethod
    def parse(cls, text: str, *, currency: str = "EUR") -> Money:
        if currency not in MINOR_UNITS:
            raise KeyError(currency)
        try:
            amount = Decimal(text.replace(",", "").strip())
        except InvalidOperation as error:
            raise ValueError(f"not an amount: {text!r}") from error
        return cls(_rounded(amount, currency), currency)

    def add(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return Money(self.amount + other.amount, self.currency)

    @overload
    def scale(self, factor: int) -> Money: ...

    @overload
    def scale(self, factor: Decimal, *, rounding: str = ...) -> Money: ...

    def scale(self, factor: int | Decimal, *, rounding: str = ROUND_HALF_EVEN) -> Money:
        return Money(_rounded(self.amount * factor, self.currency, rounding), self.currency)

    def split(self, parts: int) -> list[Money]:
        if parts < 1:
            raise ValueError("parts must be at least 1")
        share, left = divmod(self.minor_units, parts)
        exponent = -MINOR_UNITS[self.currency]
        return [
            Money(Decimal(share + (index < left)).scaleb(exponent), self.currency) for index in range(parts)
        ]


def total(amounts: Iterable[Money], *, start: Money | None = None) -> Money:
    result = start
    for amount in amounts:
        result = amount if result is None else result.add(amount)
    if result is None:
        raise ValueError("nothing to add up, and no start")
    return result


def convert(money: Money, rates: dict[str, Decimal], /, to: str) -> Money:
    if to == money.currency:
        return money
    try:
        rate = rates[to] / rates[money.currency]
    except KeyError as error:
        raise LookupError(f"no rate for {error.args[0]}") from error
    return Money(_rounded(money.amount * rate, to), to)


def _rounded(amount: Decimal, currency: str, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-MINOR_UNITS[currency]), rounding=rounding)
