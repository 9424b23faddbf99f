-- For dbt run --target postgres --select tag:parity alone: a role that owns the schema of the expected counts and can
-- read the source tables. Without it, leave the var expected_counts at query: the same SQL is passed to PostgreSQL.
-- The sandbox applies this file to a role of its own.
create schema if not exists metric_parity authorization metrics_parity;
grant usage on schema public to metrics_parity;
grant select on
    "User", "Model", "ModelVersion", "Post", "Image", "Article", "Bounty", "BountyEntry", "Collection", "Tag",
    "Thread", "DonationGoal",
    "ImageReaction", "ArticleReaction", "BountyEntryReaction", "ResourceReview", "Comment", "CommentV2",
    "CollectionItem", "CollectionContributor", "ImageResourceNew", "BuzzTip", "Donation", "UserEngagement",
    "TagEngagement", "ArticleEngagement", "BountyEngagement", "BountyBenefactor"
to metrics_parity;

-- The role that ClickHouse connects as reads the views.
grant usage on schema metric_parity to metrics_reader;
alter default privileges for role metrics_parity in schema metric_parity grant select on tables to metrics_reader;
