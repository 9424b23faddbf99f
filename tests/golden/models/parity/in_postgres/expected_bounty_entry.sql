with tipped as (
    select
        "entityId" as entity_id,
        count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as tips_before,
        count(*) as tips,
        sum(amount) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as amount_before,
        sum(amount) as amount
    from "public"."BuzzTip"
    where "entityType" in ('BountyEntry', 'bountyEntry') -- both spellings, each row one event
    group by "entityId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    select 'Reaction' || reaction, "bountyEntryId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."BountyEntryReaction"
    group by "bountyEntryId", reaction

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped

    union all

    -- the entry that the benefactor awarded, not a user
    select
        'UnitAmount',
        "awardedToId",
        sum("unitAmount") filter (where coalesce("awardedAt", "updatedAt") < timestamp '2024-08-07 15:44:39.044'),
        sum("unitAmount")
    from "public"."BountyBenefactor"
    group by "awardedToId"
)

select
    'BountyEntry' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."BountyEntry" as owners on c.entity_id = owners.id
