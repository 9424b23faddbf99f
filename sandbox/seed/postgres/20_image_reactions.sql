-- The largest table. Salts 2000 to 2099.

-- Sorting once at the end is far quicker than keeping this index up to date row by row.
alter table "ImageReaction" drop constraint if exists "ImageReaction_imageId_userId_reaction_key";

-- Half way the ids leap by five million, so that whole slices are empty.
insert into "ImageReaction" (id, "imageId", "userId", reaction, "createdAt", "updatedAt")
select
    1000 + n + case when n > pg_temp.rows_of('ImageReaction') / 2 then 5000000 else 0 end,
    pg_temp.pick(n, 2001, progress, 'Image'),
    pg_temp.someone(n, 2003, progress),
    pg_temp.reaction(n, 2004),
    pg_temp.moment(progress),
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('ImageReaction') as progress
    from generate_series(1, pg_temp.rows_of('ImageReaction')) as n
    where pg_temp.kept('ImageReaction', n)
) as reaction;

-- The same user, image and reaction was drawn twice: the earlier row stays, which leaves further gaps in the ids.
delete from "ImageReaction"
where id in (
    select id
    from (
        select
            id,
            row_number() over (partition by "imageId", "userId", reaction order by id) as nth
        from "ImageReaction"
    ) as numbered
    where nth > 1
);

alter table "ImageReaction"
add constraint "ImageReaction_imageId_userId_reaction_key" unique ("imageId", "userId", reaction);
