-- The largest table, loaded by a connection of its own. Salts 2000 to 2099.

-- The same user on the same image with the same reaction twice: the unique constraint keeps the earlier row, which
-- leaves further gaps in the ids. Half way the ids leap by five million, so that whole slices are empty.
insert into "ImageReaction" (id, "imageId", "userId", reaction, "createdAt", "updatedAt")
select
    1000 + n + case when n > pg_temp.rows_of('ImageReaction') / 2 then 5000000 else 0 end,
    pg_temp.pick(n, 2001, progress, pg_temp.rows_of('Image')),
    pg_temp.someone(n, 2003, progress),
    pg_temp.reaction(n, 2004),
    pg_temp.moment(progress),
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('ImageReaction') as progress
    from generate_series(1, pg_temp.rows_of('ImageReaction')) as n
    where pg_temp.kept(n, 2000)
) as reaction
on conflict do nothing;
