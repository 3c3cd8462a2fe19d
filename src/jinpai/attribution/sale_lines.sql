-- One row per (paid order, item): the order's paid_amount shared over its items in proportion to
-- their amounts (equal shares if all are 0), largest remainder to the cent, ties by sub_order_id.
-- An order without items has one line with product null and its own units.
with items as (
    select
        o.shop_id,
        o.order_id,
        i.sub_order_id,
        i.product_id,
        coalesce(i.quantity, 0) as units,
        cast(o.paid_amount * 100 as bigint) as paid_cents,
        cast(coalesce(i.amount, 0) * 100 as bigint) as item_cents
    from order_facts as o
    inner join order_items as i on i.shop_id = o.shop_id and i.order_id = o.order_id
    where o.paid_us is not null and not o.is_excluded
),

weighed as (
    select
        i.*,
        case
            when sum(i.item_cents) over whole = 0 then 1
            else i.item_cents
        end as weight,
        case
            when sum(i.item_cents) over whole = 0 then count(*) over whole
            else cast(sum(i.item_cents) over whole as bigint)
        end as total_weight
    from items as i
    window whole as (partition by i.shop_id, i.order_id)
),

floored as (
    select
        w.*,
        mul_div(w.paid_cents, w.weight, w.total_weight) as base_cents,
        mul_mod(w.paid_cents, w.weight, w.total_weight) as remainder
    from weighed as w
),

shared as (
    select
        f.*,
        f.paid_cents - sum(f.base_cents) over (partition by f.shop_id, f.order_id) as spare_cents,
        row_number() over (
            partition by f.shop_id, f.order_id order by f.remainder desc, f.sub_order_id
        ) as place
    from floored as f
)

select
    shop_id,
    order_id,
    sub_order_id,
    product_id,
    units,
    cast(
        cast(base_cents + case when place <= spare_cents then 1 else 0 end as decimal(18, 0)) * 0.01
        as decimal(18, 2)
    ) as amount
from shared
union all
select
    o.shop_id,
    o.order_id,
    null as sub_order_id,
    null as product_id,
    o.units,
    o.paid_amount as amount
from order_facts as o
left join (select distinct shop_id, order_id from order_items) as i
    on i.shop_id = o.shop_id and i.order_id = o.order_id
where o.paid_us is not null and not o.is_excluded and i.order_id is null
