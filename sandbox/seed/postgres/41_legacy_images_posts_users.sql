-- Legacy metrics of what image reactions go to. Where a legacy rule differs from the event's, the comment says so.

-- Counts are cast to int throughout: a sum of bigint is numeric, which takes several times the memory and time.
create temporary table image_reactions as
select
    "imageId",
    (count(*) filter (where reaction = 'Like'))::int as likes,
    (count(*) filter (where reaction = 'Dislike'))::int as dislikes,
    (count(*) filter (where reaction = 'Laugh'))::int as laughs,
    (count(*) filter (where reaction = 'Cry'))::int as cries,
    (count(*) filter (where reaction = 'Heart'))::int as hearts
from "ImageReaction"
where "createdAt" < pg_temp.cutoff()
group by "imageId";

analyze image_reactions;

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

    select "imageId", 0, 0, 0, 0, 0, count(*)::int, 0, 0, 0
    from commented
    group by "imageId"

    union all

    select "imageId", 0, 0, 0, 0, 0, 0, count(*)::int, 0, 0
    from collected
    group by "imageId"

    union all

    select "entityId", 0, 0, 0, 0, 0, 0, 0, count(*)::int, sum(amount)::int
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

    select "postId", 0, 0, 0, 0, 0, count(*)::int, 0
    from commented
    group by "postId"

    union all

    select "postId", 0, 0, 0, 0, 0, 0, count(*)::int
    from collected
    group by "postId"
) as counted
where id is not null
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
        (count(*) filter (where type = 'Follow'))::int as followers,
        0 as followings,
        (count(*) filter (where type = 'Hide'))::int as hidden,
        0 as reactions,
        0 as uploads,
        0 as reviews
    from "UserEngagement"
    where "createdAt" < pg_temp.cutoff()
    group by "targetUserId"

    union all

    select "userId", 0, count(*)::int, 0, 0, 0, 0
    from "UserEngagement"
    where
        type = 'Follow'
        and "createdAt" < pg_temp.cutoff()
    group by "userId"

    union all

    select image."userId", 0, 0, 0, sum(likes + dislikes + laughs + cries + hearts)::int, 0, 0
    from image_reactions
    inner join "Image" as image on image_reactions."imageId" = image.id
    group by image."userId"

    union all

    select article."userId", 0, 0, 0, count(*)::int, 0, 0
    from "ArticleReaction" as reaction
    inner join "Article" as article on reaction."articleId" = article.id
    where reaction."createdAt" < pg_temp.cutoff()
    group by article."userId"

    union all

    select entry."userId", 0, 0, 0, count(*)::int, 0, 0
    from "BountyEntryReaction" as reaction
    inner join "BountyEntry" as entry on reaction."bountyEntryId" = entry.id
    where reaction."createdAt" < pg_temp.cutoff()
    group by entry."userId"

    union all

    select "userId", 0, 0, 0, 0, count(*)::int, 0
    from "Image"
    where "createdAt" < pg_temp.cutoff()
    group by "userId"

    union all

    select review."userId", 0, 0, 0, 0, 0, count(*)::int
    from "ResourceReview" as review
    inner join "ModelVersion" as version on review."modelVersionId" = version.id
    where
        version.status = 'Published'
        and review."createdAt" < pg_temp.cutoff()
    group by review."userId"
) as counted
where id is not null
group by id;
