-- Expected events of Model before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- ch_downloads, ch_jobs and ch_compensation are temporary tables: plain copies of the ClickHouse tables,
-- times in UTC without time zone. The var excluded_generation_versions is taken to be empty.
-- Where only the earliest row of a group is an event, the time of that row decides.
-- The last select holds what is true of every event: the model exists, before the cutoff, value not 0.

with donations as (
    select
        v."modelId",
        d.amount,
        d."createdAt"
    from "Donation" as d
    inner join "DonationGoal" as g on d."donationGoalId" = g.id
    inner join "ModelVersion" as v on g."modelVersionId" = v.id
),

collected as (
    select
        "modelId",
        min(coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')) as created_at
    from "CollectionItem"
    where "addedById" is not null
    group by "modelId", "addedById"
),

-- a job and each distinct version it used
generations as (
    select
        j."createdAt",
        used.version_id
    from ch_jobs as j
    cross join lateral (select distinct unnest(j."resourcesUsed") as version_id) as used  -- noqa: ST05
    where j."jobType" in ('TextToImageV2', 'TextToImage', 'Comfy')
),

-- restated rows: the latest holds
earnings as (
    select distinct on (date, "modelVersionId")
        date,
        "modelVersionId",
        total
    from ch_compensation
    order by date asc, "modelVersionId" asc, updated_at desc
),

events (metric_type, entity_id, metric_value, created_at) as (
    select 'Rating', "modelId", rating, "createdAt"
    from "ResourceReview"
    where not exclude and not "tosViolation"

    union all

    select 'RatingCount', "modelId", 1, "createdAt"
    from "ResourceReview"
    where not exclude and not "tosViolation"

    union all

    select 'ThumbsUp', "modelId", 1, min("createdAt")
    from "ResourceReview"
    where not exclude and not "tosViolation" and recommended
    group by "modelId", "userId"

    union all

    select 'ThumbsDown', "modelId", 1, min("createdAt")
    from "ResourceReview"
    where not exclude and not "tosViolation" and not recommended
    group by "modelId", "userId"

    union all

    select 'Favorite', "modelId", 1, created_at
    from collected

    union all

    select 'Collection', "modelId", 1, created_at
    from collected

    union all

    select 'Comment', "modelId", 1, min("createdAt")
    from "Comment"
    where not "tosViolation"
    group by "modelId", "userId"

    union all

    select 'Image', v."modelId", 1, i."createdAt"
    from "ImageResourceNew" as r
    inner join "Image" as i on r."imageId" = i.id
    inner join "ModelVersion" as v on r."modelVersionId" = v.id

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from "BuzzTip"
    where "entityType" = 'Model'

    union all

    select 'TipCount', "modelId", 1, "createdAt"
    from donations

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "BuzzTip"
    where "entityType" = 'Model'

    union all

    select 'TipAmount', "modelId", amount, "createdAt"
    from donations

    union all

    select 'Download', "modelId", 1, time
    from ch_downloads
    where type = 'Download' and "userId" <> -1 and "modelId" <> 0

    union all

    -- two versions of the model in one job are two events
    select 'Generation', v."modelId", 1, g."createdAt"
    from generations as g
    inner join "ModelVersion" as v on g.version_id = v.id

    union all

    select 'Earned', v."modelId", e.total, e.date
    from earnings as e
    inner join "ModelVersion" as v on e."modelVersionId" = v.id
    where e.total > 0
)

select
    'Model' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "Model" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
