-- The least that the backfill needs in PostgreSQL: a role that can log in and read the source tables, nothing else.
-- The sandbox applies this file to its own role, so what is missing here fails there.
alter role metrics_reader set default_transaction_read_only = on;
-- What ClickHouse can read, whatever the server's own defaults are.
alter role metrics_reader set datestyle = 'ISO';
alter role metrics_reader set client_encoding = 'UTF8';
grant usage on schema public to metrics_reader;
do $$
declare
    source_table text;
    missing text[];
begin
    foreach source_table in array array[
        'User', 'Model', 'ModelVersion', 'Post', 'Image', 'Article', 'Bounty', 'BountyEntry', 'Collection', 'Tag',
        'Thread', 'DonationGoal',
        'ImageReaction', 'ArticleReaction', 'BountyEntryReaction', 'ResourceReview', 'Comment', 'CommentV2',
        'CollectionItem', 'CollectionContributor', 'ImageResourceNew', 'BuzzTip', 'Donation', 'UserEngagement',
        'TagEngagement', 'ArticleEngagement', 'BountyEngagement', 'BountyBenefactor',
        -- For dbt test alone, and optional: the legacy counts that the events are compared with.
        'UserMetric', 'ModelMetric', 'ModelVersionMetric', 'PostMetric', 'ImageMetric', 'CollectionMetric', 'TagMetric',
        'ArticleMetric', 'BountyMetric', 'BountyEntryMetric'
    ] loop
        if to_regclass(format('public.%I', source_table)) is null then
            missing := array_append(missing, source_table);
        else
            execute format('grant select on public.%I to metrics_reader', source_table);
        end if;
    end loop;
    if missing is not null then
        raise notice 'Not granted, since they do not exist: %', array_to_string(missing, ', ');
    end if;
end
$$;
