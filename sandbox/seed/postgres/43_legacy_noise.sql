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
