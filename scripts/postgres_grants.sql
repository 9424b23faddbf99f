-- The least that the backfill needs in PostgreSQL: a role that can log in and read the source tables, nothing else.
-- The sandbox applies this file to its own role, so what is missing here fails there.
alter role metrics_reader set default_transaction_read_only = on;
grant usage on schema public to metrics_reader;
grant select on
    "User", "Model", "ModelVersion", "Post", "Image", "Article", "Bounty", "BountyEntry", "Collection", "Tag",
    "Thread", "DonationGoal",
    "ImageReaction", "ArticleReaction", "BountyEntryReaction", "ResourceReview", "Comment", "CommentV2",
    "CollectionItem", "CollectionContributor", "ImageResourceNew", "BuzzTip", "Donation", "UserEngagement",
    "TagEngagement", "ArticleEngagement", "BountyEngagement", "BountyBenefactor"
to metrics_reader;

-- For dbt test alone: the legacy counts that the events are compared with.
grant select on
    "UserMetric", "ModelMetric", "ModelVersionMetric", "PostMetric", "ImageMetric", "CollectionMetric", "TagMetric",
    "ArticleMetric", "BountyMetric", "BountyEntryMetric"
to metrics_reader;
