-- Legacy metrics of everything else. Where a legacy rule differs from the event's, the comment says so.
-- version_counts holds what ClickHouse counts (clickhouse/40_legacy_counts.sql), a row a version; seed.py brings it.

insert into "ArticleMetric" (
    "articleId",
    timeframe,
    "likeCount",
    "dislikeCount",
    "laughCount",
    "cryCount",
    "heartCount",
    "commentCount",
    "favoriteCount",
    "hideCount",
    "collectedCount",
    "tippedCount",
    "tippedAmountCount",
    "updatedAt"
)
select
    id,
    'AllTime',
    count(*) filter (where what = 'Like'),
    count(*) filter (where what = 'Dislike'),
    count(*) filter (where what = 'Laugh'),
    count(*) filter (where what = 'Cry'),
    count(*) filter (where what = 'Heart'),
    count(*) filter (where what = 'comment'),
    count(*) filter (where what = 'Favorite'),
    count(*) filter (where what = 'Hide'),
    count(*) filter (where what = 'collected'),
    count(*) filter (where what = 'tip'),
    coalesce(sum(amount) filter (where what = 'tip'), 0),
    pg_temp.cutoff()
from (
    select
        "articleId" as id,
        reaction::text as what,
        0 as amount
    from "ArticleReaction"
    where "createdAt" < pg_temp.cutoff()

    union all

    select "articleId", type::text, 0
    from "ArticleEngagement"
    where "createdAt" < pg_temp.cutoff()

    union all

    select "articleId", 'comment', 0
    from commented

    union all

    select "articleId", 'collected', 0
    from collected

    union all

    select "entityId", 'tip', amount
    from tipped
    where "entityType" = 'Article'
) as counted
where id in (select id from "Article")
group by id;

insert into "BountyMetric" (
    "bountyId",
    timeframe,
    "favoriteCount",
    "trackCount",
    "entryCount",
    "benefactorCount",
    "unitAmountCount",
    "commentCount",
    "updatedAt"
)
select
    id,
    'AllTime',
    count(*) filter (where what = 'Favorite'),
    count(*) filter (where what = 'Track'),
    count(*) filter (where what = 'entry'),
    count(*) filter (where what = 'benefactor'),
    sum(amount),
    count(*) filter (where what = 'comment'),
    pg_temp.cutoff()
from (
    select
        "bountyId" as id,
        type::text as what,
        0 as amount
    from "BountyEngagement"
    where "createdAt" < pg_temp.cutoff()

    union all

    select "bountyId", 'entry', 0
    from "BountyEntry"
    where "createdAt" < pg_temp.cutoff()

    union all

    select "bountyId", 'benefactor', "unitAmount"
    from "BountyBenefactor"
    where "createdAt" < pg_temp.cutoff()

    union all

    select "bountyId", 'comment', 0
    from commented
) as counted
where id is not null
group by id;

insert into "BountyEntryMetric" (
    "bountyEntryId",
    timeframe,
    "likeCount",
    "dislikeCount",
    "laughCount",
    "cryCount",
    "heartCount",
    "unitAmountCount",
    "tippedCount",
    "tippedAmountCount",
    "updatedAt"
)
select
    id,
    'AllTime',
    count(*) filter (where what = 'Like'),
    count(*) filter (where what = 'Dislike'),
    count(*) filter (where what = 'Laugh'),
    count(*) filter (where what = 'Cry'),
    count(*) filter (where what = 'Heart'),
    coalesce(sum(amount) filter (where what = 'award'), 0),
    count(*) filter (where what = 'tip'),
    coalesce(sum(amount) filter (where what = 'tip'), 0),
    pg_temp.cutoff()
from (
    select
        "bountyEntryId" as id,
        reaction::text as what,
        0 as amount
    from "BountyEntryReaction"
    where "createdAt" < pg_temp.cutoff()

    union all

    select "awardedToId", 'award', "unitAmount"
    from "BountyBenefactor"
    where coalesce("awardedAt", "updatedAt") < pg_temp.cutoff()

    union all

    select "entityId", 'tip', amount
    from tipped
    where "entityType" = 'BountyEntry'
) as counted
where id in (select id from "BountyEntry")
group by id;

insert into "CollectionMetric" (
    "collectionId", timeframe, "followerCount", "itemCount", "contributorCount", "updatedAt"
)
select
    id,
    'AllTime',
    sum(followers),
    sum(items),
    sum(contributors),
    pg_temp.cutoff()
from (
    select
        "collectionId" as id,
        count(*) filter (where 'VIEW' = any(permissions)) as followers,
        0 as items,
        count(*) filter (where 'ADD' = any(permissions)) as contributors
    from "CollectionContributor"
    where coalesce("createdAt", "updatedAt", timestamp '2022-11-01') < pg_temp.cutoff()
    group by "collectionId"

    union all

    select "collectionId", 0, count(*), 0
    from collected
    group by "collectionId"
) as counted
group by id;

insert into "TagMetric" ("tagId", timeframe, "hiddenCount", "followerCount", "updatedAt")
select
    "tagId",
    'AllTime',
    count(*) filter (where type = 'Hide'),
    count(*) filter (where type = 'Follow'),
    pg_temp.cutoff()
from "TagEngagement"
where "createdAt" < pg_temp.cutoff()
group by "tagId";

-- Legacy: downloads are distinct users, generations distinct user-days, tips distinct amounts.
insert into "ModelVersionMetric" (
    "modelVersionId",
    timeframe,
    "downloadCount",
    "thumbsUpCount",
    "thumbsDownCount",
    "tippedCount",
    "tippedAmountCount",
    "generationCount",
    "earnedAmount",
    "updatedAt"
)
select
    id,
    'AllTime',
    sum(downloads),
    sum(ups),
    sum(downs),
    sum(tips),
    sum(tip_amount),
    sum(generations),
    sum(earned),
    pg_temp.cutoff()
from (
    select
        "modelVersionId" as id,
        downloads,
        generations,
        earned,
        0 as ups,
        0 as downs,
        0 as tips,
        0 as tip_amount
    from version_counts

    union all

    select
        "modelVersionId",
        0,
        0,
        0,
        count(distinct "userId") filter (where recommended),
        count(distinct "userId") filter (where not recommended),
        0,
        0
    from "ResourceReview"
    where
        not exclude
        and not "tosViolation"
        and "createdAt" < pg_temp.cutoff()
    group by "modelVersionId"

    union all

    select id, 0, 0, 0, 0, 0, count(distinct amount), sum(amount)
    from (
        select "modelVersionId" as id, amount
        from donated

        union all

        select "entityId", amount
        from tipped
        where "entityType" = 'ModelVersion'
    ) as given
    group by id
) as counted
where id in (select id from "ModelVersion")
group by id;

-- Legacy: downloads and generations are summed over the versions; tips are distinct amounts of each kind, and a model
-- that lacks tips or donations has none, because the two were joined.
insert into "ModelMetric" (
    "modelId",
    timeframe,
    "downloadCount",
    "thumbsUpCount",
    "thumbsDownCount",
    "commentCount",
    "collectedCount",
    "tippedCount",
    "tippedAmountCount",
    "generationCount",
    "earnedAmount",
    "updatedAt"
)
select
    id,
    'AllTime',
    sum(downloads),
    sum(ups),
    sum(downs),
    sum(commenters),
    sum(collectors),
    sum(tips),
    sum(tip_amount),
    sum(generations),
    sum(earned),
    pg_temp.cutoff()
from (
    select
        version."modelId" as id,
        sum(downloads) as downloads,
        sum(generations) as generations,
        sum(earned) as earned,
        0 as ups,
        0 as downs,
        0 as commenters,
        0 as collectors,
        0 as tips,
        0 as tip_amount
    from version_counts
    inner join "ModelVersion" as version on version_counts."modelVersionId" = version.id
    group by version."modelId"

    union all

    select
        "modelId",
        0,
        0,
        0,
        count(distinct "userId") filter (where recommended),
        count(distinct "userId") filter (where not recommended),
        0,
        0,
        0,
        0
    from "ResourceReview"
    where
        not exclude
        and not "tosViolation"
        and "createdAt" < pg_temp.cutoff()
    group by "modelId"

    union all

    select "modelId", 0, 0, 0, 0, 0, count(distinct "userId"), 0, 0, 0
    from "Comment"
    where
        not "tosViolation"
        and "createdAt" < pg_temp.cutoff()
    group by "modelId"

    union all

    select "modelId", 0, 0, 0, 0, 0, 0, count(distinct "addedById"), 0, 0
    from collected
    group by "modelId"

    union all

    select tip.id, 0, 0, 0, 0, 0, 0, 0, tip.amounts + donation.amounts, tip.total + donation.total
    from (
        select
            "entityId" as id,
            count(distinct amount) as amounts,
            sum(distinct amount) as total
        from tipped
        where "entityType" = 'Model'
        group by "entityId"
    ) as tip
    inner join (
        select
            "modelId" as id,
            count(distinct amount) as amounts,
            sum(distinct amount) as total
        from donated
        group by "modelId"
    ) as donation on tip.id = donation.id
) as counted
where id is not null
group by id;
