-- The tables that the migration replaces, as the legacy jobs would have left them at the moment of the cutoff: counted
-- from everything before it, for what still exists. Where the legacy rule differs from the event's, the comment says so.
-- version_counts holds what ClickHouse counts (clickhouse/40_legacy_counts.sql), a row a version.

create temporary table image_reactions as
select
    "imageId",
    count(*) filter (where reaction = 'Like') as likes,
    count(*) filter (where reaction = 'Dislike') as dislikes,
    count(*) filter (where reaction = 'Laugh') as laughs,
    count(*) filter (where reaction = 'Cry') as cries,
    count(*) filter (where reaction = 'Heart') as hearts
from "ImageReaction"
where "createdAt" < pg_temp.cutoff()
group by "imageId";

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
    goal."modelVersionId",
    version."modelId",
    donation.amount
from "Donation" as donation
inner join "DonationGoal" as goal on donation."donationGoalId" = goal.id
inner join "ModelVersion" as version on goal."modelVersionId" = version.id
where donation."createdAt" < pg_temp.cutoff();

insert into "ImageMetric" (
    "imageId",
    timeframe,
    "likeCount",
    "dislikeCount",
    "laughCount",
    "cryCount",
    "heartCount",
    "commentCount",
    "collectedCount",
    "tippedCount",
    "tippedAmountCount",
    "updatedAt"
)
select
    id,
    'AllTime',
    sum(likes),
    sum(dislikes),
    sum(laughs),
    sum(cries),
    sum(hearts),
    sum(comments),
    sum(collections),
    sum(tips),
    sum(tip_amount),
    pg_temp.cutoff()
from (
    select
        "imageId" as id,
        likes,
        dislikes,
        laughs,
        cries,
        hearts,
        0 as comments,
        0 as collections,
        0 as tips,
        0 as tip_amount
    from image_reactions

    union all

    select "imageId", 0, 0, 0, 0, 0, count(*), 0, 0, 0
    from commented
    group by "imageId"

    union all

    select "imageId", 0, 0, 0, 0, 0, 0, count(*), 0, 0
    from collected
    group by "imageId"

    union all

    select "entityId", 0, 0, 0, 0, 0, 0, 0, count(*), sum(amount)
    from tipped
    where "entityType" = 'Image'
    group by "entityId"
) as counted
where id in (select id from "Image")
group by id;

insert into "PostMetric" (
    "postId",
    timeframe,
    "likeCount",
    "dislikeCount",
    "laughCount",
    "cryCount",
    "heartCount",
    "commentCount",
    "collectedCount",
    "updatedAt"
)
select
    id,
    'AllTime',
    sum(likes),
    sum(dislikes),
    sum(laughs),
    sum(cries),
    sum(hearts),
    sum(comments),
    sum(collections),
    pg_temp.cutoff()
from (
    select
        image."postId" as id,
        likes,
        dislikes,
        laughs,
        cries,
        hearts,
        0 as comments,
        0 as collections
    from image_reactions
    inner join "Image" as image on image_reactions."imageId" = image.id

    union all

    select "postId", 0, 0, 0, 0, 0, count(*), 0
    from commented
    group by "postId"

    union all

    select "postId", 0, 0, 0, 0, 0, 0, count(*)
    from collected
    group by "postId"
) as counted
where id in (select id from "Post")
group by id;

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
where id in (select id from "Bounty")
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
where id in (select id from "Collection")
group by id;

insert into "TagMetric" ("tagId", timeframe, "hiddenCount", "followerCount", "updatedAt")
select
    "tagId",
    'AllTime',
    count(*) filter (where type = 'Hide'),
    count(*) filter (where type = 'Follow'),
    pg_temp.cutoff()
from "TagEngagement"
where
    "createdAt" < pg_temp.cutoff()
    and "tagId" in (select id from "Tag")
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
where id in (select id from "Model")
group by id;

-- Legacy: "reactionCount" takes reactions to articles and bounty entries along.
insert into "UserMetric" (
    "userId",
    timeframe,
    "followerCount",
    "followingCount",
    "hiddenCount",
    "reactionCount",
    "uploadCount",
    "reviewCount",
    "updatedAt"
)
select
    id,
    'AllTime',
    sum(followers),
    sum(followings),
    sum(hidden),
    sum(reactions),
    sum(uploads),
    sum(reviews),
    pg_temp.cutoff()
from (
    select
        "targetUserId" as id,
        count(*) filter (where type = 'Follow') as followers,
        0 as followings,
        count(*) filter (where type = 'Hide') as hidden,
        0 as reactions,
        0 as uploads,
        0 as reviews
    from "UserEngagement"
    where "createdAt" < pg_temp.cutoff()
    group by "targetUserId"

    union all

    select "userId", 0, count(*), 0, 0, 0, 0
    from "UserEngagement"
    where
        type = 'Follow'
        and "createdAt" < pg_temp.cutoff()
    group by "userId"

    union all

    select image."userId", 0, 0, 0, sum(likes + dislikes + laughs + cries + hearts), 0, 0
    from image_reactions
    inner join "Image" as image on image_reactions."imageId" = image.id
    group by image."userId"

    union all

    select article."userId", 0, 0, 0, count(*), 0, 0
    from "ArticleReaction" as reaction
    inner join "Article" as article on reaction."articleId" = article.id
    where reaction."createdAt" < pg_temp.cutoff()
    group by article."userId"

    union all

    select entry."userId", 0, 0, 0, count(*), 0, 0
    from "BountyEntryReaction" as reaction
    inner join "BountyEntry" as entry on reaction."bountyEntryId" = entry.id
    where reaction."createdAt" < pg_temp.cutoff()
    group by entry."userId"

    union all

    select "userId", 0, 0, 0, 0, count(*), 0
    from "Image"
    where "createdAt" < pg_temp.cutoff()
    group by "userId"

    union all

    select review."userId", 0, 0, 0, 0, 0, count(*)
    from "ResourceReview" as review
    inner join "ModelVersion" as version on review."modelVersionId" = version.id
    where
        version.status = 'Published'
        and review."createdAt" < pg_temp.cutoff()
    group by review."userId"
) as counted
where id in (select id from "User")
group by id;

-- Other timeframes are noise to this project: a few 'Day' rows, whose numbers are not the total's.
insert into "UserMetric" ("userId", timeframe, "followerCount", "reactionCount", "updatedAt")
select "userId", 'Day', 1, 2, "updatedAt"
from "UserMetric"
where "userId" % 50 = 1;

insert into "ModelMetric" ("modelId", timeframe, "downloadCount", "thumbsUpCount", "updatedAt")
select "modelId", 'Day', 1, 2, "updatedAt"
from "ModelMetric"
where "modelId" % 50 = 1;

insert into "ModelVersionMetric" ("modelVersionId", timeframe, "downloadCount", "thumbsUpCount", "updatedAt")
select "modelVersionId", 'Day', 1, 2, "updatedAt"
from "ModelVersionMetric"
where "modelVersionId" % 50 = 1;

insert into "PostMetric" ("postId", timeframe, "likeCount", "heartCount", "updatedAt")
select "postId", 'Day', 1, 2, "updatedAt"
from "PostMetric"
where "postId" % 50 = 1;

insert into "ImageMetric" ("imageId", timeframe, "likeCount", "heartCount", "updatedAt")
select "imageId", 'Day', 1, 2, "updatedAt"
from "ImageMetric"
where "imageId" % 50 = 1;

insert into "CollectionMetric" ("collectionId", timeframe, "followerCount", "itemCount", "updatedAt")
select "collectionId", 'Day', 1, 2, "updatedAt"
from "CollectionMetric"
where "collectionId" % 50 = 1;

insert into "TagMetric" ("tagId", timeframe, "hiddenCount", "followerCount", "updatedAt")
select "tagId", 'Day', 1, 2, "updatedAt"
from "TagMetric"
where "tagId" % 50 = 1;

insert into "ArticleMetric" ("articleId", timeframe, "likeCount", "heartCount", "updatedAt")
select "articleId", 'Day', 1, 2, "updatedAt"
from "ArticleMetric"
where "articleId" % 50 = 1;

insert into "BountyMetric" ("bountyId", timeframe, "favoriteCount", "trackCount", "updatedAt")
select "bountyId", 'Day', 1, 2, "updatedAt"
from "BountyMetric"
where "bountyId" % 50 = 1;

insert into "BountyEntryMetric" ("bountyEntryId", timeframe, "likeCount", "heartCount", "updatedAt")
select "bountyEntryId", 'Day', 1, 2, "updatedAt"
from "BountyEntryMetric"
where "bountyEntryId" % 50 = 1;
