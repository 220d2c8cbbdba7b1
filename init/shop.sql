-- The tools' database: a small shop, the same in every demo. Applied once, in one transaction, as its owner.

CREATE TABLE users (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    email      text NOT NULL UNIQUE,
    city       text NOT NULL,
    joined_on  date NOT NULL
);
COMMENT ON TABLE users IS 'Customers of the shop';

CREATE TABLE products (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    category   text NOT NULL,
    price      numeric(10, 2) NOT NULL CHECK (price >= 0),
    stock      integer NOT NULL DEFAULT 0 CHECK (stock >= 0)
);
COMMENT ON TABLE products IS 'What the shop sells; prices in euros';

CREATE TABLE orders (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    integer NOT NULL REFERENCES users (id),
    status     text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'shipped', 'delivered', 'returned')),
    placed_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE orders IS 'Orders, newest last';
CREATE INDEX orders_user_id ON orders (user_id);

CREATE TABLE order_items (
    order_id   integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id integer NOT NULL REFERENCES products (id),
    quantity   integer NOT NULL CHECK (quantity > 0),
    unit_price numeric(10, 2) NOT NULL,
    PRIMARY KEY (order_id, product_id)
);
COMMENT ON TABLE order_items IS 'What each order holds, at the price of its day';

CREATE VIEW order_totals AS
    SELECT o.id AS order_id, o.user_id, o.status, o.placed_at, count(*) AS items, sum(i.quantity * i.unit_price) AS total
    FROM orders o JOIN order_items i ON i.order_id = o.id
    GROUP BY o.id;
COMMENT ON VIEW order_totals IS 'Each order with its number of items and its total in euros';

INSERT INTO users (name, email, city, joined_on)
SELECT 'Customer ' || n,
       'customer' || n || '@example.com',
       (ARRAY['Seoul', 'Busan', 'Berlin', 'Lisbon', 'Oslo', 'Nairobi'])[1 + n % 6],
       date '2024-01-01' + n * 11
FROM generate_series(1, 40) AS n;

INSERT INTO products (name, category, price, stock) VALUES
    ('Mechanical keyboard', 'desk', 89.00, 34), ('Vertical mouse', 'desk', 49.50, 52),
    ('Monitor arm', 'desk', 119.00, 12), ('Desk lamp', 'desk', 39.90, 75),
    ('Standing mat', 'desk', 64.00, 18), ('USB-C dock', 'cables', 179.00, 21),
    ('HDMI cable 2 m', 'cables', 12.90, 240), ('USB-C cable 1 m', 'cables', 9.90, 410),
    ('Ethernet cable 5 m', 'cables', 8.50, 190), ('Security key', 'security', 55.00, 66),
    ('Privacy filter 14"', 'security', 34.00, 40), ('Laptop lock', 'security', 29.00, 33),
    ('Webcam cover', 'security', 4.90, 500), ('Notebook A5', 'paper', 7.20, 320),
    ('Fountain pen', 'paper', 42.00, 27), ('Sticky notes', 'paper', 3.10, 900),
    ('Whiteboard', 'paper', 99.00, 8), ('Headset', 'audio', 139.00, 25),
    ('USB microphone', 'audio', 109.00, 14), ('Desk speakers', 'audio', 79.00, 19);

INSERT INTO orders (user_id, status, placed_at)
SELECT 1 + (n * 7) % 40,
       (ARRAY['delivered', 'delivered', 'shipped', 'paid', 'new', 'returned'])[1 + (n * 5) % 6],
       timestamptz '2026-01-05 09:00+00' + n * interval '31 hours'
FROM generate_series(1, 120) AS n;

INSERT INTO order_items (order_id, product_id, quantity, unit_price)
SELECT o.id, p.id, 1 + (o.id + p.id) % 3, p.price
FROM orders o JOIN products p ON (o.id * 3 + p.id * 7) % 9 = 0;
