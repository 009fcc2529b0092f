from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from shop.inventory import Inventory
from shop.money import Money, total


class Status(Enum):
    OPEN = "open"
    ORDERED = "ordered"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Line:
    sku: str
    quantity: int
    price: Money

    @property
    def subtotal(self) -> Money:
        return self.price.scale(self.quantity)


@dataclass
class Cart:
    customer: str
    lines: list[Line] = field(default_factory=list)
    status: Status = Status.OPEN
    _coupon: str | None = field(default=None, init=False, repr=False)

    @property
    def coupon(self) -> str | None:
        return self._coupon

    @coupon.setter
    def coupon(self, code: str | None) -> None:
        self._coupon = code.strip().upper() if code else None

    def __len__(self) -> int:
        return sum(line.quantity for line in self.lines)

    def add(self, sku: str, price: Money, quantity: int = 1) -> Line:
        if self.status is not Status.OPEN:
            raise RuntimeError(f"the cart is {self.status.value}")
        if quantity < 1:
            raise ValueError("quantity must be positive")
        for index, line in enumerate(self.lines):
            if line.sku == sku and line.price == price:
                merged = Line(sku, line.quantity + quantity, price)
                self.lines[index] = merged
                return merged
        line = Line(sku, quantity, price)
        self.lines.append(line)
        return line

    def remove(self, sku: str) -> int:
        kept = [line for line in self.lines if line.sku != sku]
        if len(kept) == len(self.lines):
            raise KeyError(sku)
        removed = sum(line.quantity for line in self.lines if line.sku == sku)
        self.lines = kept
        return removed

    def total(self, *discounts: Callable[[Money], Money], shipping: Money | None = None) -> Money:
        if not self.lines:
            raise ValueError("the cart is empty")
        amount = total(line.subtotal for line in self.lines)
        for discount in discounts:
            amount = discount(amount)
        return amount if shipping is None else amount.add(shipping)

    def checkout(self, inventory: Inventory) -> dict[str, int]:
        if self.status is not Status.OPEN:
            raise RuntimeError(f"the cart is {self.status.value}")
        wanted: dict[str, int] = {}
        for line in self.lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
        with inventory.reservation(wanted):
            self.status = Status.ORDERED
        return wanted


def percent_off(percent: int, *, at_least: Money | None = None) -> Callable[[Money], Money]:
    if not 0 <= percent <= 100:
        raise ValueError("percent must be between 0 and 100")

    def apply(amount: Money) -> Money:
        if at_least is not None and amount < at_least:
            return amount
        return amount.scale(Decimal(100 - percent) / 100)

    return apply


def merge(first: Cart, *others: Cart) -> Cart:
    merged = Cart(first.customer)
    for cart in (first, *others):
        if cart.customer != first.customer:
            raise PermissionError(f"{cart.customer} is another customer")
        for line in cart.lines:
            merged.add(line.sku, line.price, line.quantity)
    return merged


def by_customer(carts: Mapping[str, Cart], status: Status = Status.OPEN) -> Iterator[tuple[str, Cart]]:
    for identifier, cart in sorted(carts.items(), key=lambda item: (item[1].customer, item[0])):
        if cart.status is status:
            yield identifier, cart
