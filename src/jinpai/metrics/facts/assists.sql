-- One row per (assist, sale it helped: one credited to another agent, at team level another team).
select * from reception_sales
where is_assist and is_others
