-- Expected events of ModelVersion before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- ch_downloads, ch_jobs and ch_compensation are temporary tables: plain copies of the ClickHouse tables,
-- times in UTC without time zone. The var excluded_generation_versions is taken to be empty.
-- Where only the earliest row of a group is an event, the time of that row decides.
-- The last select holds what is true of every event: the version exists, before the cutoff, value not 0.

with donations as (
    select
        g."modelVersionId",
        d.amount,
        d."createdAt"
    from "Donation" as d
    inner join "DonationGoal" as g on d."donationGoalId" = g.id
),

-- through jsonb, as the column "modelVersionId" may be absent: then no item has a version
items as (
    select
        i."addedById",
        (to_jsonb(i) ->> 'modelVersionId')::int as version_id,
        coalesce(i."createdAt", i."updatedAt", timestamp '2022-11-01 00:00:00') as created_at
    from "CollectionItem" as i
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
    select 'Rating', "modelVersionId", rating, "createdAt"
    from "ResourceReview"
    where not exclude and not "tosViolation"

    union all

    select 'RatingCount', "modelVersionId", 1, "createdAt"
    from "ResourceReview"
    where not exclude and not "tosViolation"

    union all

    select 'ThumbsUp', "modelVersionId", 1, min("createdAt")
    from "ResourceReview"
    where not exclude and not "tosViolation" and recommended
    group by "modelVersionId", "userId"

    union all

    select 'ThumbsDown', "modelVersionId", 1, min("createdAt")
    from "ResourceReview"
    where not exclude and not "tosViolation" and not recommended
    group by "modelVersionId", "userId"

    union all

    select 'Collection', version_id, 1, min(created_at)
    from items
    where "addedById" is not null
    group by version_id, "addedById"

    union all

    select 'Image', r."modelVersionId", 1, i."createdAt"
    from "ImageResourceNew" as r
    inner join "Image" as i on r."imageId" = i.id

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from "BuzzTip"
    where "entityType" = 'ModelVersion'

    union all

    select 'TipCount', "modelVersionId", 1, "createdAt"
    from donations

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "BuzzTip"
    where "entityType" = 'ModelVersion'

    union all

    select 'TipAmount', "modelVersionId", amount, "createdAt"
    from donations

    union all

    select 'Download', "modelVersionId", 1, time
    from ch_downloads
    where type = 'Download' and "userId" <> -1 and "modelVersionId" <> 0

    union all

    select 'Generation', version_id, 1, "createdAt"
    from generations

    union all

    select 'Earned', "modelVersionId", total, date
    from earnings
    where total > 0
)

select
    'ModelVersion' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "ModelVersion" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
