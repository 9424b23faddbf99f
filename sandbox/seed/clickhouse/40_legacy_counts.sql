-- What the legacy jobs took from ClickHouse at the moment of the cutoff, a row a version; postgres/42_legacy_others.sql
-- makes of it what it needs. Downloads are distinct users, generations distinct user-days (of UTC).

select
    modelVersionId,
    sum(downloads),
    sum(generations),
    sum(earned)
from (
    select
        modelVersionId,
        uniqExact(userId) as downloads,
        0 as generations,
        0 as earned
    from {application:Identifier}.modelVersionEvents
    where
        type = 'Download'
        and userId != -1
        and modelVersionId != 0
        and time < toDateTime64({cutoff:String}, 3, 'UTC')
    group by modelVersionId

    union all

    select
        arrayJoin(arrayDistinct(resourcesUsed)) as modelVersionId,
        0 as downloads,
        uniqExact(userId, toDate(createdAt, 'UTC')) as generations,
        0 as earned
    from {orchestration:Identifier}.jobs
    where
        jobType in ('TextToImageV2', 'TextToImage', 'Comfy')
        and createdAt < toDateTime64({cutoff:String}, 3, 'UTC')
    group by modelVersionId

    union all

    select
        modelVersionId,
        0 as downloads,
        0 as generations,
        sum(total) as earned
    from {application:Identifier}.buzz_resource_compensation final
    where date < toDateTime64({cutoff:String}, 3, 'UTC')
    group by modelVersionId
)
group by modelVersionId;
