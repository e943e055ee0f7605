"""What shoppers may ask of the shop's products: categories, aspects, values, their synonyms, units and price ranges."""

from zhanggui.catalog.ontology.build import aspect_values, build_ontology, variant_values
from zhanggui.catalog.ontology.file import read_ontology, write_ontology
from zhanggui.catalog.ontology.general import general_ontology
from zhanggui.catalog.ontology.ontology import Aspect, Category, Labels, Ontology, Value, fold

__all__ = [
    "Aspect",
    "Category",
    "Labels",
    "Ontology",
    "Value",
    "aspect_values",
    "build_ontology",
    "fold",
    "general_ontology",
    "read_ontology",
    "variant_values",
    "write_ontology",
]
