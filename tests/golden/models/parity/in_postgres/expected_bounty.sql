with paid as (
    select
        "bountyId" as entity_id,
        count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as benefactors_before,
        count(*) as benefactors,
        sum("unitAmount") filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as amount_before,
        sum("unitAmount") as amount
    from "public"."BountyBenefactor"
    group by "bountyId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."bountyId", count(*) filter (where c."createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."CommentV2" as c
    inner join "public"."Thread" as t on c."threadId" = t.id
    group by t."bountyId"

    union all

    select type::text, "bountyId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."BountyEngagement"
    where type in ('Favorite', 'Track')
    group by "bountyId", type

    union all

    select 'Entry', "bountyId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."BountyEntry"
    group by "bountyId"

    union all

    select 'Benefactor', entity_id, benefactors_before, benefactors
    from paid

    union all

    select 'UnitAmount', entity_id, amount_before, amount
    from paid
)

select
    'Bounty' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."Bounty" as owners on c.entity_id = owners.id
