-- What the legacy jobs counted: everything before the cutoff. The tables that the migration replaces are filled from
-- it, for what still exists, as they would have stood at that moment: 41_ and 42_legacy_*.sql, a connection each.

-- One row per item, with the moment that stands in for a missing one.
create temporary view collected as
select
    *,
    coalesce("createdAt", "updatedAt", timestamp '2022-11-01') as at
from "CollectionItem"
where coalesce("createdAt", "updatedAt", timestamp '2022-11-01') < pg_temp.cutoff();

-- Comments in the entity's own thread only.
create temporary view commented as
select thread.*
from "CommentV2" as comment
inner join "Thread" as thread on comment."threadId" = thread.id
where comment."createdAt" < pg_temp.cutoff();

create temporary view tipped as
select
    case "entityType" when 'bountyEntry' then 'BountyEntry' else "entityType" end as "entityType",
    "entityId",
    amount
from "BuzzTip"
where "createdAt" < pg_temp.cutoff();

create temporary view donated as
select
    version.id as "modelVersionId",
    version."modelId",
    donation.amount
from "Donation" as donation
inner join "DonationGoal" as goal on donation."donationGoalId" = goal.id
inner join "ModelVersion" as version
    on pg_temp.version_of(goal."modelVersionId", goal."entityType", goal."entityId") = version.id
where donation."createdAt" < pg_temp.cutoff();
