-- One row per (inquiry, sale that makes it an inquiry paid): at shop level any sale of the window
-- paid in time, else one credited to the reception's own agent (team).
select * from reception_sales
where kind = 'inquiry' and ($level = 'shop' or is_own)
