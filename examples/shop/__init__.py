from shop.cart import Cart, Line
from shop.inventory import Inventory, OutOfStock
from shop.money import CurrencyMismatch, Money

__all__ = ["Cart", "CurrencyMismatch", "Inventory", "Line", "Money", "OutOfStock"]
