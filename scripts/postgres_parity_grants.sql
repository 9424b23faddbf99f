-- For dbt run --target postgres --select tag:parity alone: a role that owns the schema of the expected counts and can
-- read the source tables. Without it, leave the var expected_counts at query: the same SQL is passed to PostgreSQL.
-- The sandbox applies this file to a role of its own.
create schema if not exists metric_parity authorization metrics_parity;
grant usage on schema public to metrics_parity;
do $$
declare
    source_table text;
    missing text[];
begin
    foreach source_table in array array[
        'Article',
        'ArticleEngagement',
        'ArticleReaction',
        'Bounty',
        'BountyBenefactor',
        'BountyEngagement',
        'BountyEntry',
        'BountyEntryReaction',
        'BuzzTip',
        'Collection',
        'CollectionContributor',
        'CollectionItem',
        'Comment',
        'CommentV2',
        'Donation',
        'DonationGoal',
        'Image',
        'ImageReaction',
        'ImageResourceNew',
        'Model',
        'ModelVersion',
        'Post',
        'ResourceReview',
        'Tag',
        'TagEngagement',
        'Thread',
        'User',
        'UserEngagement'
    ] loop
        if to_regclass(format('public.%I', source_table)) is null then
            missing := array_append(missing, source_table);
        else
            execute format('grant select on public.%I to metrics_parity', source_table);
        end if;
    end loop;
    if missing is not null then
        raise notice 'Not granted, since they do not exist: %', array_to_string(missing, ', ');
    end if;
end
$$;

-- The role that ClickHouse connects as reads the views.
grant usage on schema metric_parity to metrics_reader;
alter default privileges for role metrics_parity in schema metric_parity grant select on tables to metrics_reader;
