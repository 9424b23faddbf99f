def test_probe(backfilled):
    print(backfilled.fingerprint())
