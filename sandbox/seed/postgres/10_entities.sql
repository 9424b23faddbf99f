-- The community: owners of content. Salts 100 to 1299.

insert into "User" (id, "createdAt", "deletedAt")
select
    1000 + n,
    pg_temp.moment(n::float8 / pg_temp.rows_of('User')),
    -- a soft-deleted user still exists
    case when pg_temp.u(n, 101) < 0.01 then timestamp '2024-06-01' end
from generate_series(1, pg_temp.rows_of('User')) as n
where pg_temp.kept(n, 100);

insert into "Model" (id, "userId", status, "createdAt", "publishedAt", "deletedAt")
select
    1000 + n,
    pg_temp.someone(n, 201, n::float8 / pg_temp.rows_of('Model')),
    status,
    "createdAt",
    case when status in ('Published', 'Unpublished', 'Deleted') then "createdAt" + interval '2 hours' end,
    case when status = 'Deleted' then "createdAt" + interval '40 days' end
from (
    select
        n,
        pg_temp.moment(n::float8 / pg_temp.rows_of('Model')) as "createdAt",
        (
            '{Published,Published,Published,Published,Published,Published,Published,Published,Published,Published,
              Published,Published,Published,Draft,Draft,Training,Scheduled,Unpublished,UnpublishedViolation,Deleted}'
            ::"ModelStatus"[]
        )[1 + floor(pg_temp.u(n, 202) * 20)::int] as status
    from generate_series(1, pg_temp.rows_of('Model')) as n
    where pg_temp.kept(n, 200)
) as model;

insert into "ModelVersion" (id, "modelId", status, "createdAt", "publishedAt")
select
    1000 + n,
    pg_temp.model_of(1000 + n),
    status,
    "createdAt",
    case when status = 'Published' then "createdAt" + interval '3 hours' end
from (
    select
        n,
        pg_temp.moment(n::float8 / pg_temp.rows_of('ModelVersion')) as "createdAt",
        (
            '{Published,Published,Published,Published,Published,Published,Published,Published,Published,Published,
              Published,Published,Published,Published,Draft,Training,Scheduled,Unpublished,UnpublishedViolation,
              Deleted}'
            ::"ModelStatus"[]
        )[1 + floor(pg_temp.u(n, 301) * 20)::int] as status
    from generate_series(1, pg_temp.rows_of('ModelVersion')) as n
    where
        pg_temp.kept(n, 300)
        -- the foreign key: versions go with their model (row number = id - 1000)
        and pg_temp.kept(pg_temp.model_of(1000 + n) - 1000, 200)
) as version;

insert into "Post" (id, "userId", "createdAt", "publishedAt")
select
    1000 + n,
    pg_temp.someone(n, 401, n::float8 / pg_temp.rows_of('Post')),
    pg_temp.moment(n::float8 / pg_temp.rows_of('Post')),
    case
        when pg_temp.u(n, 402) < 0.9 then pg_temp.moment(n::float8 / pg_temp.rows_of('Post')) + interval '5 minutes'
    end
from generate_series(1, pg_temp.rows_of('Post')) as n
where pg_temp.kept(n, 400);

-- Neighbours share a post and its user; one image in twelve has no post (an article's cover, a profile picture).
insert into "Image" (id, "userId", "postId", "createdAt")
select
    1000 + n,
    case
        when posted then pg_temp.someone(post, 401, post::float8 / pg_temp.rows_of('Post'))
        else pg_temp.someone(n, 502, n::float8 / pg_temp.rows_of('Image'))
    end,
    case when posted then 1000 + post end,
    pg_temp.moment(n::float8 / pg_temp.rows_of('Image'))
from (
    select
        n,
        1 + (n - 1) * pg_temp.rows_of('Post')::bigint / pg_temp.rows_of('Image') as post,
        pg_temp.u(n, 501) >= 0.08 as posted
    from generate_series(1, pg_temp.rows_of('Image')) as n
    where pg_temp.kept(n, 500)
) as image;

insert into "Article" (id, "userId", "createdAt", "publishedAt")
select
    1000 + n,
    pg_temp.someone(n, 601, n::float8 / pg_temp.rows_of('Article')),
    case when pg_temp.u(n, 602) >= 0.01 then pg_temp.moment(n::float8 / pg_temp.rows_of('Article')) end,
    case
        when pg_temp.u(n, 603) < 0.85 then pg_temp.moment(n::float8 / pg_temp.rows_of('Article')) + interval '1 hour'
    end
from generate_series(1, pg_temp.rows_of('Article')) as n
where pg_temp.kept(n, 600);

insert into "Bounty" (id, "userId", "createdAt")
select
    1000 + n,
    case when pg_temp.u(n, 702) >= 0.02 then pg_temp.someone(n, 701, n::float8 / pg_temp.rows_of('Bounty')) end,
    pg_temp.moment(n::float8 / pg_temp.rows_of('Bounty'))
from generate_series(1, pg_temp.rows_of('Bounty')) as n
where pg_temp.kept(n, 700);

-- The entries of one bounty are neighbours, so that a benefactor of the bounty can be given one of them.
insert into "BountyEntry" (id, "userId", "bountyId", "createdAt")
select
    1000 + n,
    case when pg_temp.u(n, 802) >= 0.02 then pg_temp.someone(n, 801, n::float8 / pg_temp.rows_of('BountyEntry')) end,
    1001 + (n - 1) * pg_temp.rows_of('Bounty')::bigint / pg_temp.rows_of('BountyEntry'),
    pg_temp.moment(n::float8 / pg_temp.rows_of('BountyEntry'))
from generate_series(1, pg_temp.rows_of('BountyEntry')) as n
where pg_temp.kept(n, 800);

insert into "Collection" (id, "userId", mode, "createdAt")
select
    1000 + n,
    pg_temp.someone(n, 901, n::float8 / pg_temp.rows_of('Collection')),
    case
        when pg_temp.u(n, 902) < 0.3 then 'Bookmark'::"CollectionMode"
        when pg_temp.u(n, 902) < 0.33 then 'Contest'::"CollectionMode"
    end,
    case when pg_temp.u(n, 903) >= 0.01 then pg_temp.moment(n::float8 / pg_temp.rows_of('Collection')) end
from generate_series(1, pg_temp.rows_of('Collection')) as n
where pg_temp.kept(n, 900);

insert into "Tag" (id, name)
select
    1000 + n,
    'tag ' || n
from generate_series(1, pg_temp.rows_of('Tag')) as n
where pg_temp.kept(n, 1000);

-- Of twenty threads 8 are of posts, 7 of images, 1 of an article, 1 of a model or a review. The rest are child threads,
-- which name their root, their parent and a comment, and no entity; one in twelve of these is a bounty's own instead.
insert into "Thread" (
    id,
    "rootThreadId",
    "parentThreadId",
    "postId",
    "imageId",
    "articleId",
    "bountyId",
    "modelId",
    "commentId",
    "reviewId"
)
select
    1000 + n,
    case when child then root end,
    case when child then root end,
    case when kind < 8 then 1001 + (8 * ordinal + kind) * 2 end,
    case when kind between 8 and 14 then 1001 + (7 * ordinal + kind - 8) * 5 end,
    case when kind = 15 then 1001 + ordinal end,
    case when kind = 17 and not child then 1001 + ordinal / 4 end,
    case when kind = 16 and ordinal % 2 = 0 then 1001 + ordinal * 2 end,
    case when child then 1001 + (4 * ordinal + kind - 16) * 3 end,
    case when kind = 16 and ordinal % 2 = 1 then 1001 + ordinal * 10 end
from (
    select
        n,
        n % 20 as kind,
        n / 20 as ordinal,
        n % 20 > 17 or (n % 20 = 17 and n / 20 % 4 > 0) as child,
        -- the first of some twenty: a post's thread
        1000 + (n / 40) * 20 + 1 as root
    from generate_series(1, pg_temp.rows_of('Thread')) as n
    where pg_temp.kept(n, 1100)
) as thread;

insert into "DonationGoal" (id, "userId", "modelVersionId", "entityType", "entityId")
select
    1000 + n,
    "userId",
    -- a third of the goals has only the old column, a third only the new pair, a third both
    case when n % 3 <> 1 then version end,
    case when n % 3 <> 0 and version is not null then 'ModelVersion' end,
    case when n % 3 <> 0 then version end
from (
    select
        n,
        pg_temp.someone(n, 1201, n::float8 / pg_temp.rows_of('DonationGoal')) as "userId",
        -- one goal in ten is for no version
        case
            when pg_temp.u(n, 1202) >= 0.1
                then pg_temp.pick(n, 1203, n::float8 / pg_temp.rows_of('DonationGoal'), pg_temp.rows_of('ModelVersion'))
        end as version
    from generate_series(1, pg_temp.rows_of('DonationGoal')) as n
    where pg_temp.kept(n, 1200)
) as goal;
