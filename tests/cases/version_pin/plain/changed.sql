SELECT p.item, p.price, f.price AS price_at_first FROM prices p LEFT JOIN prices_v0 f ON p.item = f.item
