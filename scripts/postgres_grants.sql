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
        'Article',
        'ArticleEngagement',
        'ArticleMetric',
        'ArticleReaction',
        'Bounty',
        'BountyBenefactor',
        'BountyEngagement',
        'BountyEntry',
        'BountyEntryMetric',
        'BountyEntryReaction',
        'BountyMetric',
        'BuzzTip',
        'Collection',
        'CollectionContributor',
        'CollectionItem',
        'CollectionMetric',
        'Comment',
        'CommentV2',
        'Donation',
        'DonationGoal',
        'Image',
        'ImageMetric',
        'ImageReaction',
        'ImageResourceNew',
        'Model',
        'ModelMetric',
        'ModelVersion',
        'ModelVersionMetric',
        'Post',
        'PostMetric',
        'ResourceReview',
        'Tag',
        'TagEngagement',
        'TagMetric',
        'Thread',
        'User',
        'UserEngagement',
        'UserMetric'
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
