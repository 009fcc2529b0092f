from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from shop.money import Money

Fetch = Callable[[str], Awaitable[bytes]]


class Product(NamedTuple):
    sku: str
    title: str
    price: Money
    tags: frozenset[str] = frozenset()


class FeedError(Exception):
    pass


def read_products(path: Path, *, delimiter: str = ",") -> Iterator[Product]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter=delimiter), start=2):
            try:
                yield product_from(row)
            except (KeyError, ValueError) as error:
                raise FeedError(f"{path}:{number}: {error}") from error


def product_from(row: dict[str, str]) -> Product:
    sku = row["sku"].strip()
    if not sku:
        raise ValueError("sku is empty")
    price = Money.parse(row["price"], currency=row.get("currency") or "EUR")
    return Product(sku, row["title"].strip(), price, frozenset(row.get("tags", "").split()))


def batches(products: Iterable[Product], size: int) -> Iterator[list[Product]]:
    if size < 1:
        raise ValueError("size must be at least 1")
    batch: list[Product] = []
    for product in products:
        batch.append(product)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def fetch_page(fetch: Fetch, url: str, *, attempts: int = 3, pause_s: float = 0.5) -> dict[str, Any]:
    for attempt in range(1, attempts + 1):
        try:
            body = await fetch(url)
            break
        except OSError:
            if attempt == attempts:
                raise
            await asyncio.sleep(pause_s * 2 ** (attempt - 1))
    else:
        raise ValueError("attempts must be at least 1")
    page = json.loads(body)
    if not isinstance(page, dict):
        raise FeedError(f"{url} is not a page")
    return page


async def follow(fetch: Fetch, url: str, *, limit: int | None = None) -> AsyncIterator[Product]:
    seen = 0
    next_url: str | None = url
    while next_url is not None:
        page = await fetch_page(fetch, next_url)
        for row in page.get("items", []):
            if limit is not None and seen >= limit:
                return
            seen += 1
            yield product_from(row)
        next_url = page.get("next")


async def gather_feeds(fetch: Fetch, *urls: str, limit: int | None = None) -> dict[str, list[Product]]:
    async def collect(url: str) -> list[Product]:
        return [product async for product in follow(fetch, url, limit=limit)]

    found = await asyncio.gather(*(collect(url) for url in urls))
    return dict(zip(urls, found, strict=True))
