from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal


class OutOfStock(LookupError):
    def __init__(self, sku: str, missing: int) -> None:
        super().__init__(f"{missing} of {sku} missing")
        self.sku = sku
        self.missing = missing


class Listener(ABC):
    @abstractmethod
    def changed(self, sku: str, before: int, after: int) -> None:
        raise NotImplementedError


class History(Listener):
    def __init__(self, size: int = 100) -> None:
        self.entries: deque[tuple[str, int]] = deque(maxlen=size)

    def changed(self, sku: str, before: int, after: int) -> None:
        self.entries.append((sku, after - before))

    def net(self, sku: str) -> int:
        return sum(change for name, change in self.entries if name == sku)


class Inventory:
    def __init__(self, stock: Mapping[str, int] | None = None, *, listener: Listener | None = None) -> None:
        self._stock = dict(stock or {})
        self._listener = listener
        self._lock = threading.RLock()

    def available(self, sku: str) -> int:
        with self._lock:
            return self._stock.get(sku, 0)

    def restock(self, sku: str, quantity: int) -> int:
        if quantity < 0:
            raise ValueError("quantity must not be negative")
        return self._change(sku, quantity)

    def take(self, sku: str, quantity: int = 1, *, partial: bool = False) -> int:
        with self._lock:
            available = self.available(sku)
            if available < quantity and not partial:
                raise OutOfStock(sku, quantity - available)
            taken = min(available, quantity)
            self._change(sku, -taken)
            return taken

    @contextmanager
    def reservation(self, wanted: Mapping[str, int]) -> Iterator[None]:
        taken: dict[str, int] = {}
        try:
            for sku, quantity in wanted.items():
                taken[sku] = self.take(sku, quantity)
            yield
        except BaseException:
            for sku, quantity in taken.items():
                self._change(sku, quantity)
            raise

    def low(self, threshold: int = 5) -> list[tuple[str, int]]:
        with self._lock:
            scarce = [(sku, left) for sku, left in self._stock.items() if left < threshold]
        return sorted(scarce, key=lambda entry: entry[1])

    def _change(self, sku: str, difference: int) -> int:
        with self._lock:
            before = self._stock.get(sku, 0)
            after = self._stock[sku] = before + difference
        if self._listener is not None:
            self._listener.changed(sku, before, after)
        return after


def abc_class(turnover: float, *, a: float = 0.8, b: float = 0.95) -> Literal["A", "B", "C"]:
    if not 0 <= turnover <= 1:
        raise ValueError("turnover is a share between 0 and 1")
    match turnover:
        case share if share <= a:
            return "A"
        case share if share <= b:
            return "B"
    return "C"
