-- The community: owners of content. Salts 100 to 1299.

insert into "User" (id, "createdAt", "deletedAt")
select
    1000 + n,
    pg_temp.moment(n::float8 / pg_temp.rows_of('User')),
    -- a soft-deleted user still exists
    case when pg_temp.u(n, 101) < 0.01 then timestamp '2024-06-01' end
from generate_series(1, pg_temp.rows_of('User')) as n
where pg_temp.kept('User', n);

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
    where pg_temp.kept('Model', n)
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
    where pg_temp.kept('ModelVersion', n)
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
where pg_temp.kept('Post', n);

-- Neighbours share a post and its user; one image in twelve has no post (an article's cover, a profile picture), and
-- more have lost it since.
insert into "Image" (id, "userId", "postId", "createdAt")
select
    1000 + n,
    case
        when posted then pg_temp.someone(post, 401, post::float8 / pg_temp.rows_of('Post'))
        else pg_temp.someone(n, 502, n::float8 / pg_temp.rows_of('Image'))
    end,
    case when posted then pg_temp.id_if_kept('Post', post - 1) end,
    pg_temp.moment(n::float8 / pg_temp.rows_of('Image'))
from (
    select
        n,
        1 + (n - 1) * pg_temp.rows_of('Post')::bigint / pg_temp.rows_of('Image') as post,
        pg_temp.u(n, 501) >= 0.08 as posted
    from generate_series(1, pg_temp.rows_of('Image')) as n
    where pg_temp.kept('Image', n)
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
where pg_temp.kept('Article', n);

insert into "Bounty" (id, "userId", "createdAt")
select
    1000 + n,
    case when pg_temp.u(n, 702) >= 0.02 then pg_temp.someone(n, 701, n::float8 / pg_temp.rows_of('Bounty')) end,
    pg_temp.moment(n::float8 / pg_temp.rows_of('Bounty'))
from generate_series(1, pg_temp.rows_of('Bounty')) as n
where pg_temp.kept('Bounty', n);

-- The entries of one bounty are neighbours, so that a benefactor of the bounty can be given one of them.
insert into "BountyEntry" (id, "userId", "bountyId", "createdAt")
select
    1000 + n,
    case when pg_temp.u(n, 802) >= 0.02 then pg_temp.someone(n, 801, n::float8 / pg_temp.rows_of('BountyEntry')) end,
    1001 + pg_temp.still_there(
        'Bounty', (n - 1) * pg_temp.rows_of('Bounty')::bigint / pg_temp.rows_of('BountyEntry')
    ),
    pg_temp.moment(n::float8 / pg_temp.rows_of('BountyEntry'))
from generate_series(1, pg_temp.rows_of('BountyEntry')) as n
where pg_temp.kept('BountyEntry', n);

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
where pg_temp.kept('Collection', n);

insert into "Tag" (id, name)
select
    1000 + n,
    'tag ' || n
from generate_series(1, pg_temp.rows_of('Tag')) as n
where pg_temp.kept('Tag', n);

-- A goal is for one version, and a version has one goal.
insert into "DonationGoal" (id, "userId", "modelVersionId", "entityType", "entityId")
select
    1000 + n,
    pg_temp.someone(n, 1201, n::float8 / pg_temp.rows_of('DonationGoal')),
    -- a third of the goals has only the old column, a third only the new pair, a third both; no key guards the pair
    case when n % 3 <> 1 then pg_temp.id_if_kept('ModelVersion', version) end,
    case when n % 3 <> 0 and version is not null then 'ModelVersion' end,
    case when n % 3 <> 0 then 1001 + version end
from (
    select
        n,
        -- one goal in ten is for no version
        case
            when pg_temp.u(n, 1202) >= 0.1
                then (n - 1) * pg_temp.rows_of('ModelVersion')::bigint / pg_temp.rows_of('DonationGoal')
        end as version
    from generate_series(1, pg_temp.rows_of('DonationGoal')) as n
    where pg_temp.kept('DonationGoal', n)
) as goal;
