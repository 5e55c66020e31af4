"""The demonstration data of this room."""

import pytest
from django.apps import apps

from restrictions.demo import load_demo
from restrictions.page import everything
from restrictions.relaying import fault_of_relaying
from tests.plugins.example_mail import TESTER

pytestmark = pytest.mark.django_db


def test_there_is_one_of_each_thing_and_nothing_is_odd() -> None:
    assert load_demo(by=TESTER)
    assert not load_demo(by=TESTER)
    tracked = [
        model for model in apps.get_app_config("restrictions").get_models() if not hasattr(model, "pgh_tracked_model")
    ]
    assert not [model.__name__ for model in tracked if not model._default_manager.exists()]
    lists, oddities, _chosen = everything()
    assert (fault_of_relaying(lists), oddities) == (None, [])
